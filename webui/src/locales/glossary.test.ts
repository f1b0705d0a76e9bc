/** One word for one thing (glossary.json): what is banned there occurs in no text of the page. */
import { expect, test } from "vitest";
import adminEn from "./admin.en.json";
import adminKo from "./admin.ko.json";
import chatEn from "./en.json";
import glossary from "./glossary.json";
import chatKo from "./ko.json";
import pagesEn from "./pages.en.json";
import pagesKo from "./pages.ko.json";

const TEXTS = { ko: [chatKo, pagesKo, adminKo], en: [chatEn, pagesEn, adminEn] };

function texts(tree: object, path = ""): { key: string; text: string }[] {
  return Object.entries(tree).flatMap(([name, value]) =>
    typeof value === "string" ? [{ key: path + name, text: value }] : texts(value, `${path}${name}.`),
  );
}

test.each([
  { language: "ko", words: glossary.map(({ term, ko, notKo }) => ({ term, say: ko, banned: new RegExp(notKo, "u") })) },
  { language: "en", words: glossary.map(({ term, en, notEn }) => ({ term, say: en, banned: new RegExp(notEn, "u") })) },
] as const)("one word for one thing: $language", ({ language, words }) => {
  const found = TEXTS[language]
    .flatMap((tree) => texts(tree))
    .flatMap(({ key, text }) => {
      const wrong = words.filter(({ banned }) => banned.test(text));
      return wrong.map(({ term, say }) => `${key}: “${text}” (${term}: ${say})`);
    });
  expect(found).toEqual([]);
});

test("Korean speaks in one manner, 합니다 and 해 주세요; what goes on ends in … right after the word", () => {
  const all = Object.values(TEXTS).flatMap((trees) => trees.flatMap((tree) => texts(tree)));
  const casual = all.filter(
    ({ text }) => /(?:[세어아해에네]요|죠)[.!?]?$/u.test(text) && !/(?:주세요\.?|물어보세요)$/u.test(text),
  );
  expect(casual).toEqual([]);
  expect(all.filter(({ text }) => / …|\.\.\./u.test(text))).toEqual([]);
});
