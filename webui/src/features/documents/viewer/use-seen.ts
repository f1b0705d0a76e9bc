/** Scrolls to what is marked, once for each thing that is shown. */
import { type RefObject, useEffect } from "react";

export const MARKED = "document-mark";

/** `what` is shown: another value is another thing. */
export function useSeen(within: RefObject<HTMLElement | null>, what: string): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is what is shown that changes
  useEffect(() => {
    within.current?.querySelector(`.${MARKED}`)?.scrollIntoView({ block: "center" });
  }, [within, what]);
}
