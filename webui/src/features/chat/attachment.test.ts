import { expect, test } from "vitest";
import { MAX_INLINE_CHARACTERS, withAttachments, withoutAttachments } from "./attachment";

const LONG = "a pasted line\n".repeat(MAX_INLINE_CHARACTERS / 14 + 1);

test.each([
  ["a text", []],
  ["", [{ text: LONG }]],
  ["look at this", [{ text: LONG }, { text: `${LONG}\n\`\`\`\`\nfenced\n\`\`\`\`\n\n` }]],
  ["two files\n\nand words", [{ text: "x = 1", name: "a.py" }, { text: "", name: "없음.txt" }, { text: LONG }]],
  ["mine:\n\n```\ncode of my own\n```\n\nand then", [{ text: LONG }]],
])("what was put together is taken apart again: %#", (text, attached) => {
  const content = withAttachments(
    text,
    attached.map((each) => ({ id: "", ...each })),
  );
  expect(withoutAttachments(content)).toEqual({ text, attached });
});

test.each([
  "```\nshort code\n```",
  "like this:\n```\nshort code\n```",
  `before\n\n\`\`\`\n${LONG}\n\`\`\`\nbehind`,
  `\`\`\`\n${LONG}`,
])("what its writer wrote by hand stays there: %#", (content) => {
  expect(withoutAttachments(content)).toEqual({ text: content, attached: [] });
});

test("a megabyte of fences takes no second", () => {
  const hostile = "a.b:\n```\n\n\n".repeat(90_000);
  expect(withoutAttachments(hostile).text.length).toBe(hostile.length);
});
