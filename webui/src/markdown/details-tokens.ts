/** `<details><summary>…</summary>…</details>` as marked's tokens: what stands between them is markdown. */
import type { Token, TokenizerAndRendererExtension, TokenizerThis } from "marked";

export interface DetailsToken {
  type: "details";
  raw: string;
  /** Of the line that is always shown. */
  summary: Token[];
  tokens: Token[];
  isEnded: boolean;
}

/** Deeper ones are shown as they are written: what a stack could not hold is no text for anybody. */
const MAX_DEPTH = 8;
const BEGINNING = /^ {0,3}<details(?: open)?>/im;
const OPENING = /^ {0,3}<details(?: open)?>[ \t]*\n?/i;
const TAG = /<(\/?)details(?: open)?>/gi;
const SUMMARY = /^\s*<summary>([\s\S]*?)(?:<\/summary>[ \t]*\n?|$)/i;
const REST_OF_LINE = /^[ \t]*\n*/;

export const details: TokenizerAndRendererExtension = {
  name: "details",
  level: "block",
  start: (source) => (/<details/i.test(source) ? BEGINNING.exec(source)?.index : undefined),
  tokenizer(this: TokenizerThis, source): DetailsToken | undefined {
    const [opening] = OPENING.exec(source) ?? [];
    if (!opening) return undefined;
    const end = endOf(source);
    if (end === null) return undefined;
    const body = source.slice(opening.length, end.at);
    const [head = "", summary = ""] = SUMMARY.exec(body) ?? [];
    const raw = source.slice(0, end.after) + (REST_OF_LINE.exec(source.slice(end.after))?.[0] ?? "");
    return {
      type: "details",
      raw,
      summary: this.lexer.inline(summary.trim(), []),
      tokens: this.lexer.blockTokens(body.slice(head.length).replace(/^\n+|\s+$/g, ""), []),
      isEnded: end.at < source.length,
    };
  },
};

/** Where what `source` begins with ends: at its closing tag, or with the text. null: it is too deep. */
function endOf(source: string): { at: number; after: number } | null {
  let depth = 0;
  for (const { index, 0: tag, 1: slash } of source.matchAll(TAG)) {
    depth += slash ? -1 : 1;
    if (depth > MAX_DEPTH) return null;
    if (depth === 0) return { at: index, after: index + tag.length };
  }
  return { at: source.length, after: source.length };
}
