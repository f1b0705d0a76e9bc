import { expect, test } from "vitest";
import type { CitationView, SourceView } from "@/api/types.gen";
import { sourcesOf } from "./sources-of";

const citation = (number: number): CitationView => ({
  number,
  start: 0,
  end: 3,
  is_supported: true,
  quote_start: 0,
  quote_end: 9,
});

test("what is cited comes first, in the order of its marks, then the rest", () => {
  const sources = [1, 2, 3, 4].map((number) => ({ number }) as SourceView);
  const { cited, others } = sourcesOf(sources, [4, 1, 4, 9].map(citation));
  expect(cited.map(({ number }) => number)).toEqual([4, 1]);
  expect(others.map(({ number }) => number)).toEqual([2, 3]);
});
