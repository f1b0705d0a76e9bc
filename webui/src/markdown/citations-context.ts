/** What the marks in a text cite, as who shows the text knows it. */
import { createContext, use } from "react";

/** One mark's number. */
export interface Citation {
  /** What is read out, and shown when the pointer rests on it: "Source 1, Contract.pdf, page 3". */
  name: string;
  /** false: the sentence has nothing of what it cites. */
  isSupported: boolean;
  open: () => void;
}

/** `place`: how many marks before it in the text name the number. null: no source has it. */
export type CitationOf = (number: number, place: number) => Citation | null;

const CitationContext = createContext<CitationOf>(() => null);

export const CitationsOf = CitationContext.Provider;

export function useCitations(): CitationOf {
  return use(CitationContext);
}
