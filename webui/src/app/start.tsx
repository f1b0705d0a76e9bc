/** Puts a page into its document, in its reader's language. */
import type { QueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { makeQueryClient } from "@/api/query-client";
import { meQuery } from "@/api/use-me";
import { makeI18n, preferredLanguage, type Words } from "@/lib/i18n";
import { movesBelowBase } from "@/lib/place";
import { applyLook } from "./first-look";
import { Providers } from "./providers";

interface Needs {
  words?: readonly Words[];
  /** What the first drawing waits for. */
  code?: Promise<unknown>;
  /** Asks for what this page will ask of a server where somebody is signed in. */
  prefetch?: (queries: QueryClient) => void;
}

export async function start(page: ReactNode, { words = [], code, prefetch }: Needs = {}): Promise<void> {
  if (movesBelowBase()) return;
  const root = document.getElementById("root");
  if (!root) throw new Error("the document has no #root");
  applyLook();
  const queryClient = makeQueryClient();
  // Every page asks it first: while the words come.
  queryClient.fetchQuery(meQuery).then(
    ({ user }) => user && !user.must_change_password && prefetch?.(queryClient),
    () => undefined, // the page asks again, and says what is wrong
  );
  await Promise.all([makeI18n(preferredLanguage(), ...words), code]);
  createRoot(root).render(<Providers queryClient={queryClient}>{page}</Providers>);
}
