/** Which sources an answer cites, and which were only looked at for its question. Pure. */
import type { CitationView, SourceView } from "@/api/types.gen";

export function sourcesOf(
  sources: readonly SourceView[],
  citations: readonly CitationView[],
): { cited: SourceView[]; others: SourceView[] } {
  const numbers = [...new Set(citations.map(({ number }) => number))]; // in the order of their first marks
  const cited = numbers.flatMap((number) => sources.find((source) => source.number === number) ?? []);
  return { cited, others: sources.filter((source) => !cited.includes(source)) };
}
