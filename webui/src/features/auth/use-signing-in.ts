/** Sending a form of the door: what is wrong with it before it is sent or after, and who is signed in when nothing is. */
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError } from "@/api/errors";
import { keys } from "@/api/keys";
import { useErrorText } from "@/ui/use-error-text";

/** What is wrong, by field. */
export type Faults = Readonly<Record<string, string>>;

interface Sending {
  fields: readonly string[];
  /** All that can be said without the server; empty: it is sent. */
  check: () => Faults;
  send: () => Promise<unknown>;
}

export function useSigningIn({ fields, check, send }: Sending) {
  const queries = useQueryClient();
  const textOf = useErrorText();
  const [isBusy, setBusy] = useState(false);
  const [faults, setFaults] = useState<Faults>({});
  const [problem, setProblem] = useState<string | null>(null); // of the whole form
  const submit = async () => {
    const found = check();
    setFaults(found);
    setProblem(null);
    if (Object.keys(found).length > 0) return;
    setBusy(true);
    try {
      await send();
      await queries.invalidateQueries({ queryKey: keys.me }); // the page then goes where its reader was going
    } catch (caught) {
      const field = caught instanceof ApiError ? caught.param : null;
      if (field !== null && fields.includes(field)) setFaults({ [field]: textOf(caught) });
      else setProblem(textOf(caught));
    } finally {
      setBusy(false);
    }
  };
  return { submit, isBusy, faults, problem };
}
