/** What a viewer is opened at. */
import type { CitationView, PassageHit, SourceView } from "@/api/types.gen";
import type { Span } from "./spans";

export interface Shown {
  documentId: string;
  name: string;
  page: number;
  /** null: nothing is marked. */
  span: Span | null;
  /** What is quoted, should the document be gone. */
  text: string;
  /** The reader can still open it. */
  isThere: boolean;
}

/** At the sentence that is cited, else at the passage; a page that was shown whole has none. */
export function ofSource(source: SourceView, citation: CitationView | undefined): Shown {
  const quote = citation && { start: citation.quote_start, end: citation.quote_end };
  const passage = source.is_whole ? null : { start: source.start, end: source.end };
  return {
    documentId: source.document_id,
    name: source.document_name,
    page: source.page,
    span: quote ?? passage,
    text: source.text,
    isThere: source.is_there,
  };
}

export function ofHit(hit: PassageHit): Shown {
  return {
    documentId: hit.document_id,
    name: hit.document_name,
    page: hit.page,
    span: { start: hit.start, end: hit.end },
    text: hit.text,
    isThere: true,
  };
}
