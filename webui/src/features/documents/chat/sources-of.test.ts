import { expect, test } from "vitest";
import type { CitationView, SourceView } from "@/api/document-types";
import { sourcesOf } from "./sources-of";

const source = (number: number, messageId: string) => ({ number, message_id: messageId }) as SourceView;
const citation = (number: number): CitationView => ({ number, start: 0, end: 3, is_supported: true });

test("what is cited comes first, in the order of its marks; of the rest what was found for this question", () => {
  const all = [source(1, "q1"), source(2, "q1"), source(3, "q2"), source(4, "q2")];
  const sources = new Map(all.map((each) => [each.number, each]));
  const { cited, others } = sourcesOf(sources, [4, 1, 4, 9].map(citation), "q2");
  expect(cited.map(({ number }) => number)).toEqual([4, 1]);
  expect(others.map(({ number }) => number)).toEqual([3]);
});
