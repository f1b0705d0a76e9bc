import { expect, test } from "vitest";
import { languageNames } from "./language-names";

test("languages have names, the reader's own first", () => {
  const codes = ["en", "zh", "ja", "ko", "fr"];
  expect(languageNames(codes, "ko")).toEqual({ names: ["한국어", "영어", "중국어"], more: 2 });
  expect(languageNames(codes, "en").names).toEqual(["English", "Chinese", "Japanese"]);
  expect(languageNames(["de", "ko"], "en").names).toEqual(["German", "Korean"]);
  expect(languageNames(["multilingual"], "en")).toEqual({ names: [], more: 0 });
});
