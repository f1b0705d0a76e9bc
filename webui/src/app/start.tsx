/** Puts a page into its document, in its reader's language. */
import type { ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { makeQueryClient } from "@/api/query-client";
import { makeI18n, preferredLanguage, type Words } from "@/lib/i18n";
import { Providers } from "./providers";

export async function start(page: ReactNode, ...more: readonly Words[]): Promise<void> {
  const root = document.getElementById("root");
  if (!root) throw new Error("the document has no #root");
  await makeI18n(preferredLanguage(), ...more);
  createRoot(root).render(<Providers queryClient={makeQueryClient()}>{page}</Providers>);
}
