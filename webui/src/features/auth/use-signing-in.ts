/** Sending a form of the door: what it says when it fails, and who is signed in when it does not. */
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError } from "@/api/errors";
import { keys } from "@/api/keys";
import { useErrorText } from "@/ui/use-error-text";

export interface FormError {
  /** The field that is at fault; null: the whole form. */
  field: string | null;
  text: string;
}

export function useSigningIn(send: () => Promise<unknown>) {
  const queries = useQueryClient();
  const textOf = useErrorText();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<FormError | null>(null);
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      await send();
      await queries.invalidateQueries({ queryKey: keys.me }); // the page then goes where its reader was going
    } catch (caught) {
      setError({ field: caught instanceof ApiError ? caught.param : null, text: textOf(caught) });
    } finally {
      setBusy(false);
    }
  };
  return { submit, isBusy, error };
}
