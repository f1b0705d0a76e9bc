/** A form that is sent by its button or by Enter, with what is wrong with it as a whole. */
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import Stack from "@mui/material/Stack";
import type { ReactNode } from "react";
import type { FormError } from "./use-signing-in";

interface Props {
  label: string;
  fields: readonly string[];
  error: FormError | null;
  isBusy: boolean;
  submit: () => Promise<void>;
  children: ReactNode;
}

export function Form({ label, fields, error, isBusy, submit, children }: Props) {
  const isGeneral = error !== null && !fields.includes(error.field ?? "");
  return (
    <Stack
      component="form"
      spacing={2}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!isBusy) submit();
      }}
    >
      {isGeneral && <Alert severity="error">{error.text}</Alert>}
      {children}
      <Button type="submit" variant="contained" loading={isBusy}>
        {label}
      </Button>
    </Stack>
  );
}
