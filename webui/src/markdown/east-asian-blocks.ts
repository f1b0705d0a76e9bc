/** Blocks that are written otherwise beside Hangul, Kana and Han: a heading without its space, a date that is no list. */
import type { TokenizerAndRendererExtension, TokenizerThis, Tokens } from "marked";
import { CLOSE_LETTER } from "./inline/letters";

/** `2026. 11. 30. 회의`: no list that begins with its 2026th item. */
export const DATE = /^ {0,3}\d{4}\. ?\d{1,2}\./;

const HEADING = new RegExp(`^ {0,3}(#{2,6})(${CLOSE_LETTER}[^\\n]*)(?:\\n+|$)`, "u");
const BEGINNING = new RegExp(`^ {0,3}#{2,6}${CLOSE_LETTER}`, "mu");

/** `##제목`. With one mark it is a tag: `#제목`. */
export const closeHeading: TokenizerAndRendererExtension = {
  name: "closeHeading",
  level: "block",
  start: (source) => BEGINNING.exec(source)?.index,
  tokenizer(this: TokenizerThis, source): Tokens.Heading | undefined {
    const [raw, marks = "", title = ""] = HEADING.exec(source) ?? [];
    if (!raw) return undefined;
    const text = title.replace(/ #+\s*$/, "").trim();
    return { type: "heading", raw, depth: marks.length, text, tokens: this.lexer.inline(text) };
  },
};
