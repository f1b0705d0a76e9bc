import { expect, test } from "vitest";
import { rangesOf } from "./marked-words";

function shown(...parts: string[]): HTMLElement {
  const root = document.createElement("p");
  for (const part of parts) {
    const element = document.createElement("b");
    element.append(part);
    root.append(element);
  }
  return root;
}

const marked = (root: Node, words: string[]) => rangesOf(root, words).map((range) => range.toString());

test("words are found as the server finds them: in any case, without accents, with any particle", () => {
  expect(marked(shown("환불은 언제, JEJU에서 Café"), ["jeju", "환불", "cafe"])).toEqual(["환불", "JEJU", "Café"]);
  expect(marked(shown("환불".normalize("NFD")), ["환불"])).toEqual(["환불".normalize("NFD")]);
});

test("a word is found across the elements that cut it, and each time it occurs", () => {
  expect(marked(shown("a re", "fund, refund"), ["refund"])).toEqual(["refund", "refund"]);
});

test("a word with spaces around it begins where it is found", () => {
  expect(marked(shown("about cab 가ab"), ["ab"])).toEqual(["ab", "ab"]); // not the one in "cab"
  expect(marked(shown("nothing"), ["", "else"])).toEqual([]);
});
