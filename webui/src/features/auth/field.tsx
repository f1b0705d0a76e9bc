/** One field of a form of the door, with what the server says of it. */
import TextField, { type TextFieldProps } from "@mui/material/TextField";
import type { FormError } from "./use-signing-in";

interface Props {
  name: string;
  label: string;
  value: string;
  onValue: (value: string) => void;
  error: FormError | null;
  hint?: string;
  type?: "text" | "password";
  autoComplete: string;
  autoFocus?: boolean;
}

export function Field({
  name,
  label,
  value,
  onValue,
  error,
  hint,
  type = "text",
  autoComplete,
  autoFocus = false,
}: Props) {
  const isAtFault = error?.field === name;
  const plain: TextFieldProps["slotProps"] = { htmlInput: { autoCapitalize: "none", spellCheck: false } };
  return (
    <TextField
      name={name}
      label={label}
      value={value}
      onChange={(event) => onValue(event.target.value)}
      error={isAtFault}
      helperText={isAtFault ? error.text : hint}
      type={type}
      autoComplete={autoComplete}
      autoFocus={autoFocus}
      required
      slotProps={plain}
    />
  );
}
