/** One field of a form of the door, with what is wrong with it. A password can be shown. */
import InputAdornment from "@mui/material/InputAdornment";
import TextField, { type TextFieldProps } from "@mui/material/TextField";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { IconAction } from "@/ui/icon-action";
import type { Faults } from "./use-signing-in";

interface Props {
  name: string;
  label: string;
  value: string;
  onValue: (value: string) => void;
  faults: Faults;
  hint?: string;
  type?: "text" | "password" | "email";
  autoComplete: string;
  autoFocus?: boolean;
  isOptional?: boolean;
}

export function Field({
  name,
  label,
  value,
  onValue,
  faults,
  hint,
  type = "text",
  autoComplete,
  autoFocus = false,
  isOptional = false,
}: Props) {
  const { t } = useTranslation();
  const [isShown, setShown] = useState(false);
  const fault = faults[name];
  const slots: TextFieldProps["slotProps"] = { htmlInput: { autoCapitalize: "none", spellCheck: false } };
  if (type === "password") {
    slots.input = {
      endAdornment: (
        <InputAdornment position="end">
          <IconAction
            icon="eye"
            label={t(isShown ? "door.hidePassword" : "door.showPassword")}
            edge="end"
            onClick={() => setShown(!isShown)}
          />
        </InputAdornment>
      ),
    };
  }
  return (
    <TextField
      name={name}
      label={label}
      value={value}
      onChange={(event) => onValue(event.target.value)}
      error={fault !== undefined}
      helperText={fault ?? hint}
      type={isShown ? "text" : type}
      autoComplete={autoComplete}
      autoFocus={autoFocus}
      required={!isOptional}
      slotProps={slots}
    />
  );
}
