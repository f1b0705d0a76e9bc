/** What the answers of a path may cite, and which mark of an answer cites what. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, use, useEffect, useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { CitationView, SourceView } from "@/api/document-types";
import { chatDocumentsQuery, sourcesQuery } from "@/api/documents";
import { keys } from "@/api/keys";
import type { PathMessageView } from "@/api/types.gen";
import type { AnswerStage } from "@/live/use-answer-stage";
import type { CitationOf } from "@/markdown/citations-context";
import type { OpenedSource } from "./means";

export interface PathSources {
  byNumber: ReadonlyMap<number, SourceView>;
  open: (opened: OpenedSource) => void;
}

const NONE: ReadonlyMap<number, SourceView> = new Map();
const SourcesContext = createContext<PathSources>({ byNumber: NONE, open: () => undefined });

export const SourcesOf = SourcesContext.Provider;

export function usePathSources(): PathSources {
  return use(SourcesContext);
}

/** By their numbers, which a path counts on. Those of a new question are there when its answer begins. */
export function useSources(
  sessionId: string,
  messages: readonly PathMessageView[],
  stage: AnswerStage,
): ReadonlyMap<number, SourceView> {
  const queries = useQueryClient();
  const leafId = messages.at(-1)?.message_id ?? "";
  const shelf = useQuery({ ...chatDocumentsQuery(sessionId), enabled: false }).data; // asked where it is shown
  const hasDocuments = Boolean(shelf && shelf.documents.length + shelf.collections.length > 0);
  const isAsked = leafId !== "" && (hasDocuments || messages.some(hasSources));
  const { data } = useQuery({
    ...sourcesQuery(sessionId, leafId),
    enabled: isAsked,
    placeholderData: (before) => before, // a path grows
  });
  useEffect(() => {
    if (isAsked && (stage === "writing" || stage === "idle"))
      queries.invalidateQueries({ queryKey: keys.sources(sessionId, leafId) });
  }, [queries, sessionId, leafId, stage, isAsked]);
  return useMemo(() => (data?.length ? new Map(data.map((source) => [source.number, source])) : NONE), [data]);
}

function hasSources(message: PathMessageView): boolean {
  return numSourcesOf(message) > 0 || citationsOf(message).length > 0;
}

function numSourcesOf(message: PathMessageView): number {
  return (message as { num_sources?: number }).num_sources ?? 0;
}

const NO_CITATIONS: readonly CitationView[] = [];

export function citationsOf(message: PathMessageView): readonly CitationView[] {
  return (message as { citations?: CitationView[] }).citations ?? NO_CITATIONS;
}

/** For the marks of an answer. `citations`: [] while it is written. */
export function useCitationOf(citations: readonly CitationView[]): CitationOf {
  const { t } = useTranslation();
  const { byNumber, open } = usePathSources();
  return useMemo(() => {
    const marks = new Map<number, CitationView[]>();
    for (const citation of citations) marks.set(citation.number, [...(marks.get(citation.number) ?? []), citation]);
    return (number, place) => {
      const source = byNumber.get(number);
      if (!source) return null;
      const citation = marks.get(number)?.[place];
      const { document_name: name, page } = source;
      return {
        name: t("markdown.source", { number, name, page }),
        isSupported: citation?.is_supported ?? true,
        open: () => open({ source, citation }),
      };
    };
  }, [t, byNumber, citations, open]);
}
