/** What the answers of a path may cite, and which mark of an answer cites what. */
import { useQueries, useQuery } from "@tanstack/react-query";
import { createContext, use, useCallback, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { chatDocumentsQuery, sourcesQuery } from "@/api/documents";
import type { CitationView, PathMessageView, SourceView } from "@/api/types.gen";
import type { AnswerStage } from "@/live/use-answer-stage";
import type { CitationOf } from "@/markdown/citations-context";
import type { OpenedSource } from "./means";

export interface PathSources {
  /** All that are known of the path, which counts its numbers on. */
  byNumber: ReadonlyMap<number, SourceView>;
  /** By answer: those that it cites and those that its question brought. */
  ofAnswer: ReadonlyMap<string, readonly SourceView[]>;
}

interface Shown extends PathSources {
  open: (opened: OpenedSource) => void;
}

const NONE: PathSources = { byNumber: new Map(), ofAnswer: new Map() };
const SourcesContext = createContext<Shown>({ ...NONE, open: () => undefined });

export const SourcesOf = SourcesContext.Provider;

export function usePathSources(): Shown {
  return use(SourcesContext);
}

/** Those of a new question are there when its answer begins, and are asked for again when it is written. */
export function useSources(sessionId: string, messages: readonly PathMessageView[], stage: AnswerStage): PathSources {
  const shelf = useQuery({ ...chatDocumentsQuery(sessionId), enabled: false }).data; // asked where it is shown
  const hasDocuments = Boolean(shelf && shelf.documents.length + shelf.collections.length > 0);
  const bringing = new Set(messages.filter((each) => each.num_sources > 0).map((each) => each.message_id));
  const answers = messages.filter((each) => {
    if (each.role !== "assistant") return false;
    const isRunning = each.status === "running" && hasDocuments;
    return isRunning || bringing.has(each.parent_id ?? "") || each.citations.length > 0;
  });
  const ids = answers.map((each) => each.message_id).join(" ");
  const combine = useCallback(
    (results: readonly { data: SourceView[] | undefined }[]): PathSources => {
      const found = ids.split(" ").map((id, n) => [id, results[n]?.data ?? []] as const);
      const all = found.flatMap(([, sources]) => sources);
      if (all.length === 0) return NONE;
      return { byNumber: new Map(all.map((source) => [source.number, source])), ofAnswer: new Map(found) };
    },
    [ids],
  );
  const queries = answers.map((answer) => {
    const version = answer.status === "running" ? stage : `${answer.status} ${answer.content.length}`;
    return sourcesQuery(sessionId, answer.message_id, version);
  });
  return useQueries({ queries, combine });
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
