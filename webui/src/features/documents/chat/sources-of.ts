/** Which sources an answer cites, and which were only looked at for its question. Pure. */
import type { CitationView, SourceView } from "@/api/document-types";

export function sourcesOf(
  sources: ReadonlyMap<number, SourceView>,
  citations: readonly CitationView[],
  questionId: string | null,
): { cited: SourceView[]; others: SourceView[] } {
  const numbers = new Set(citations.map(({ number }) => number)); // in the order of their first marks
  const cited = [...numbers].flatMap((number) => sources.get(number) ?? []);
  const others = [...sources.values()].filter(
    ({ number, message_id: messageId }) => messageId === questionId && !numbers.has(number),
  );
  return { cited, others };
}
