/** Doing something and saying how it went; what it changes is read again, whether it worked or not. */
import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";

interface Telling {
  /** Said when it is done. */
  said?: string;
  changes: readonly QueryKey[];
}

export function useAction() {
  const queries = useQueryClient();
  const { show } = useNotices();
  const textOf = useErrorText();

  const readAgain = (changes: readonly QueryKey[]) =>
    Promise.all(changes.map((queryKey) => queries.invalidateQueries({ queryKey })));

  /** For a button: what fails is said at the edge of the page. */
  const act = async (done: Promise<unknown>, { said, changes }: Telling): Promise<void> => {
    try {
      await done;
      if (said) show({ text: said });
    } catch (error) {
      show({ text: textOf(error) });
    } finally {
      readAgain(changes);
    }
  };

  /** For a dialog: what fails is thrown, and said in the dialog. */
  const attempt = async <Result>(done: Promise<Result>, { said, changes }: Telling): Promise<Result> => {
    try {
      const result = await done;
      if (said) show({ text: said });
      return result;
    } finally {
      readAgain(changes);
    }
  };

  return { act, attempt };
}
