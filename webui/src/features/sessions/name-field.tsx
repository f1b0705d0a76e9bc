/** A chat's name while it is changed: Enter or leaving keeps it, Escape does not. */
import Box from "@mui/material/Box";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { plainField } from "@/ui/plain-field";

interface Props {
  title: string;
  /** null: as it was. */
  finish: (value: string | null) => void;
}

export function NameField({ title, finish }: Props) {
  const { t } = useTranslation();
  const [value, setValue] = useState(title);
  const isLeft = useRef(false); // Escape takes the field away, and that is a blur too
  return (
    <Box sx={{ mx: 1 }}>
      <Box
        component="input"
        autoFocus
        value={value}
        maxLength={200}
        aria-label={t("sessions.name")}
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
