/** What a chat takes of the documents' part of the page: composed above both (app/chat-place.tsx). */

import type { QueryClient } from "@tanstack/react-query";
import { type ComponentType, createContext, use } from "react";
import type { HeldIds } from "@/api/documents";
import type { CitationView, PreviewView, SourceView } from "@/api/types.gen";

/** Whose documents: those of a chat, or of one that has not begun. */
export type DocumentPlace =
  | { sessionId: string }
  | { ids: HeldIds; change: (of: (before: HeldIds) => HeldIds) => void };

interface ShelfProps {
  place: DocumentPlace;
  preview: PreviewView | undefined;
  /** The reader chooses among what is there already. */
  isChoosing: boolean;
  stopChoosing: () => void;
  /** How many files are still on their way. */
  onUploads: (numUploads: number) => void;
}

/** What a viewer shows: a source, and the sentence that is cited where it is known. */
export interface OpenedSource {
  source: SourceView;
  citation: CitationView | undefined;
}

interface SourceListProps {
  /** Those that the answer cites, and those that its question brought. */
  sources: readonly SourceView[];
  citations: readonly CitationView[];
  open: (opened: OpenedSource) => void;
}

interface ViewerProps {
  opened: OpenedSource;
  close: () => void;
}

export interface DocumentMeans {
  /** Above the field: the documents of the place, with what is on its way to it. */
  Shelf: ComponentType<ShelfProps>;
  /** Below an answer. */
  SourceList: ComponentType<SourceListProps>;
  Viewer: ComponentType<ViewerProps>;
  attach: (files: readonly File[], place: DocumentPlace, queries: QueryClient) => void;
}

const MeansContext = createContext<DocumentMeans | null>(null);

export const DocumentMeansOf = MeansContext.Provider;

/** null: nothing is kept here, documents neither. */
export function useDocumentMeans(): DocumentMeans | null {
  return use(MeansContext);
}
