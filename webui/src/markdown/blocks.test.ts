import { expect, test } from "vitest";
import { BlockLexer } from "./blocks";
import { lex } from "./lex";

const PIECES = [
  "# 제목\n\n",
  "한 문단이 **굵게** 이어진다.\n다음 줄.\n\n",
  "- 하나\n- 둘\n  - 셋\n\n",
  "1. first\n\n   ```py\n   x = 1\n   ```\n\n2. second\n\n",
  "```ts\nconst a = `b`;\n\n# not a heading\n```\n\n",
  "| a | b |\n|---|---|\n| 1 | 2 |\n\n",
  "> quoted\ncontinued\n\n",
  "see [the docs][d] and[^1]\n\n",
  "[d]: https://example.org/docs\n",
  "[^1]: a note\n\n",
  "$$\nx^2\n\n+ y\n$$\n\n",
  "    indented code\n\n",
  "Heading\n===\n",
  "<div>\n**raw**\n</div>\n\n",
  "***\n",
  "값은 $x$이다. **모델(LLM)**은 https://example.com/a를 ~~본다(1)~~고 3~4번\n\n",
  "$$는 번호이고\n\n",
  "$$ a_1\n\n",
  "b_2 $$\n\n",
  "\\[\na_1 * b_2\n\\]\n\n",
  "<think>\n잠깐,\n\n- 하나\n</think>\n",
  "<think>한 줄</think> 다음\n\n",
  "<details>\n<summary>더 **보기**</summary>\n\n- 하나\n\n[f]: https://example.org/f\n</details>\n\n[f]\n",
  "글\n<details><summary>a</summary>b</details>\n",
  "> [e]: https://example.org/e\n> 인용\n\n",
  "- [constructor]: https://example.org/c\n\n[e]와 [constructor]\n\n",
  "**日本語（テスト）**です。\n中文。\n",
  "2026. 11. 30. 회의\n1. 첫째\n\n",
  "##제목 하나\n글\n",
  "السلام **عليكم**\n\n",
];
/** Of those, what later definitions change nothing of. */
const WITHOUT_LINKS = PIECES.filter((piece) => !/\]:|\]\[|\[e\]/.test(piece));

/** mulberry32: the same documents each time. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shown(text: string): unknown[] {
  return lex(text).tokens.filter((token) => token.type !== "space" && token.type !== "def");
}

test("a text that grew in random steps has the blocks of the whole text", () => {
  for (let seed = 0; seed < 60; seed += 1) {
    const random = randomNumbers(seed);
    const pieces = Array.from({ length: 12 }, () => PIECES[Math.floor(random() * PIECES.length)]);
    const text = pieces.join("");
    const lexer = new BlockLexer();
    for (let end = 0; end < text.length; end += 1 + Math.floor(random() * 9)) lexer.update(text.slice(0, end), false);
    const blocks = lexer.update(text, true).map((block) => block.token);
    expect(blocks, `seed ${seed}`).toEqual(shown(text));
  }
});

test("at every length a growing text has the blocks of what is there", () => {
  for (let seed = 0; seed < 8; seed += 1) {
    const random = randomNumbers(seed);
    const pieces = Array.from({ length: 9 }, () => WITHOUT_LINKS[Math.floor(random() * WITHOUT_LINKS.length)]);
    const text = pieces.join("");
    const lexer = new BlockLexer();
    for (let end = 0; end <= text.length; end += 1) {
      const blocks = lexer.update(text.slice(0, end), false).map((block) => block.token);
      expect(blocks, `seed ${seed}, ${end} characters`).toEqual(shown(text.slice(0, end)));
    }
  }
});

test("what is settled is neither lexed nor made again", () => {
  const paragraph = "단락 하나에 **굵은** 글자가 있다.\n\n";
  const lexer = new BlockLexer();
  let text = "";
  let first: unknown;
  for (let n = 0; n < 200; n += 1) {
    for (let step = 0; step < paragraph.length; step += 4) lexer.update(text + paragraph.slice(0, step), false);
    text += paragraph;
    first ??= n === 5 ? lexer.update(text, false)[0] : undefined;
  }
  expect(lexer.update(text, false)[0]).toBe(first);
  // Each step lexes at most about three paragraphs again, however long the text has become.
  expect(lexer.numLexedCharacters).toBeLessThan(200 * (paragraph.length / 4) * paragraph.length * 4);
});

test("another text starts anew", () => {
  const lexer = new BlockLexer();
  lexer.update("one\n\ntwo\n\nthree\n\nfour", false);
  expect(lexer.update("zero", false).map((block) => block.token.raw)).toEqual(["zero"]);
});

test("a definition that comes last makes links of what was settled", () => {
  const lexer = new BlockLexer();
  const text = "a [link][x]\n\nb\n\nc\n\nd\n\n[x]: https://example.org\n";
  for (let end = 0; end <= text.length; end += 1) lexer.update(text.slice(0, end), false);
  const [first] = lexer.update(text, true);
  expect(JSON.stringify(first?.token)).toContain('"https://example.org"');
});

test("hostile nesting and marks end before the test times out, as text if need be", () => {
  const hostile = [
    "> ".repeat(20_000),
    "[".repeat(20_000),
    "**a ".repeat(5_000),
    "`".repeat(9_999),
    "$a ".repeat(5_000),
  ];
  for (const text of [
    ...hostile,
    "<a ".repeat(9_000),
    "~~가(".repeat(5_000),
    "- ".repeat(3_000),
    "[^a".repeat(5_000),
    "\\(".repeat(20_000),
    "$a_".repeat(9_000),
    "https://a가".repeat(5_000),
    "https://a/(".repeat(5_000),
    "<think>\n".repeat(5_000),
    "<details>\n".repeat(5_000),
    "<details>\n\n".repeat(5_000) + "</details>\n\n".repeat(5_000),
    "<details>\n\n</details>\n\n".repeat(5_000),
  ]) {
    expect(new BlockLexer().update(text, true).length).toBeGreaterThan(0);
  }
});
