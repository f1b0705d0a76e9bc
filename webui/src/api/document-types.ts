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

export interface SourceView {
  number: number;
  message_id: string;
  document_id: string;
  document_name: string;
  passage_id: number | null;
  page: number;
  label: string;
  start: number;
  end: number;
  text: string;
  heading: string;
  is_whole: boolean;
  is_there: boolean;
  boxes: LineBox[];
}

export interface CitationView {
  number: number;
  start: number;
  end: number;
  is_supported: boolean;
  /** Of the sentence that is cited, in its page's text. */
  quote_start?: number;
  quote_end?: number;
}
