/** A form that is sent by its button or by Enter, with what is wrong with it as a whole. */
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import Stack from "@mui/material/Stack";
import type { ReactNode } from "react";

interface Props {
  label: string;
  problem: string | null;
  isBusy: boolean;
  submit: () => Promise<void>;
  children: ReactNode;
}

export function Form({ label, problem, isBusy, submit, children }: Props) {
  return (
    <Stack
      component="form"
      spacing={2}
      noValidate // the browser would say one thing at a time, in its own language
      onSubmit={async (event) => {
        event.preventDefault();
        const form = event.currentTarget as HTMLElement;
        if (isBusy) return;
        await submit();
        requestAnimationFrame(() => form.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
      }}
    >
      {problem !== null && <Alert severity="error">{problem}</Alert>}
      {children}
      <Button type="submit" variant="contained" loading={isBusy}>
        {label}
      </Button>
    </Stack>
  );
}
