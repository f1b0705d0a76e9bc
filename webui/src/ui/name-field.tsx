/** The name of a chat or a folder while it is changed: Enter or leaving keeps it, Escape does not. */
import Box from "@mui/material/Box";
import { useEffect, useRef, useState } from "react";
import { plainField } from "./plain-field";

interface Props {
  title: string;
  /** What it is the name of, for screen readers. */
  label: string;
  /** null: as it was. */
  finish: (value: string | null) => void;
}

export function NameField({ title, label, finish }: Props) {
  const [value, setValue] = useState(title);
  const field = useRef<HTMLInputElement>(null);
  // One begins anew; who wants to add goes to its end. Not autoFocus: the menu that led here gives the focus back to its
  // button first, which would leave the field at once.
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  const isLeft = useRef(false); // Escape takes the field away, and that is a blur too
  return (
    <Box sx={{ mx: 1, flex: 1 }}>
      <Box
        component="input"
        ref={field}
        dir="auto"
        value={value}
        maxLength={200}
        aria-label={label}
        onChange={(event) => setValue(event.target.value)}
        onBlur={() => finish(isLeft.current ? null : value)}
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing) return; // Enter ends a Hangul syllable first
          if (event.key !== "Enter" && event.key !== "Escape") return;
          isLeft.current = event.key === "Escape";
          event.currentTarget.blur();
        }}
        sx={{ ...plainField, height: 36 }}
      />
    </Box>
  );
}
