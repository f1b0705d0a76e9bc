/** A field that narrows a list down while one types. */
import TextField from "@mui/material/TextField";
import { useEffect, useEffectEvent, useState } from "react";
import { useSettled } from "@/lib/use-settled";

const TYPING_MS = 250;

interface Props {
  label: string;
  value: string;
  onValue: (value: string) => void;
}

export function SearchField({ label, value, onValue }: Props) {
  const [typed, setTyped] = useState(value);
  const settled = useSettled(typed.normalize("NFC").trim(), TYPING_MS);
  const tell = useEffectEvent(onValue);
  useEffect(() => {
    tell(settled);
  }, [settled]);
  return (
    <TextField
      type="search"
      label={label}
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
      autoComplete="off"
      fullWidth
      sx={{ maxWidth: { sm: 360 } }}
      slotProps={{ htmlInput: { maxLength: 100, spellCheck: false } }}
    />
  );
}
