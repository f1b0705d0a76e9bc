/** Footnotes: `[^1]` in the text, `[^1]: what it says` below. */
import type { Token, TokenizerAndRendererExtension, TokenizerThis } from "marked";

export type FootnoteToken =
  | { type: "footnote"; raw: string; label: string; tokens: Token[] }
  | { type: "footnoteMark"; raw: string; label: string };

const BLOCK = /^ {0,3}\[\^([^\]\s]{1,40})\]:[ \t]*([^\n]*(?:\n(?!\s*\n|\s*\[\^|$)[^\n]+)*)(?:\n+|$)/;
const BLOCK_START = /^ {0,3}\[\^[^\]\s]{1,40}\]:/m;
const MARK = /^\[\^([^\]\s]{1,40})\](?!\()/;

export const footnotes: TokenizerAndRendererExtension[] = [
  {
    name: "footnote",
    level: "block",
    start: (source) => BLOCK_START.exec(source)?.index,
    tokenizer(this: TokenizerThis, source): FootnoteToken | undefined {
      const match = BLOCK.exec(source);
      if (!match) return undefined;
      const [raw, label = "", text = ""] = match;
      return { type: "footnote", raw, label, tokens: this.lexer.inline(text, []) };
    },
  },
  {
    name: "footnoteMark",
    level: "inline",
    tokenizer(source): FootnoteToken | undefined {
      const match = MARK.exec(source);
      return match?.[1] ? { type: "footnoteMark", raw: match[0], label: match[1] } : undefined;
    },
  },
];
