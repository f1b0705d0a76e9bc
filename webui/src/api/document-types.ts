/** What /api says of documents, until types.gen.ts does. */
import type { DocumentPageView } from "./types.gen";

export type LineBox = DocumentPageView["boxes"][number];

export interface PassageHit {
  document_id: string;
  document_name: string;
  passage_id: number;
  page: number;
  label: string;
  start: number;
  end: number;
  text: string;
  heading: string;
  score: number;
}

export interface DocumentHits {
  hits: PassageHit[];
  searched: "words" | "words_and_vectors";
  notes: string[];
}
