/** Markdown → marked's tokens, with our three additions: bold beside Hangul, math, footnotes. Pure; knows no React. */
import { Lexer, type Links, Marked, type MarkedToken, type Token, type Tokens } from "marked";
import { cjkEmphasis } from "./cjk";
import { type FootnoteToken, footnotes } from "./footnote-tokens";
import { type MathToken, math } from "./math-tokens";

export type AnyToken = MarkedToken | MathToken | FootnoteToken;

const marked = new Marked({
  gfm: true,
  breaks: true, // a model's line break is meant as one
  extensions: [...math, ...footnotes, ...cjkEmphasis],
});

export interface Lexed {
  tokens: AnyToken[];
  /** The reference links that this text defines, and `known`. */
  links: Links;
}

/** `known`: reference links defined earlier in the document that `source` is the rest of. */
export function lex(source: string, known: Links = {}): Lexed {
  if (isHostile(source)) return { tokens: [asText(source)], links: known };
  const lexer = new Lexer(marked.defaults);
  Object.assign(lexer.tokens.links, known);
  try {
    return { tokens: lexer.lex(source) as Token[] as AnyToken[], links: { ...lexer.tokens.links } };
  } catch (error) {
    // Quotes in quotes in quotes, thousands deep, are more than the stack holds (RangeError), and shown as they stand.
    if (!(error instanceof RangeError)) throw error;
    return { tokens: [asText(source)], links: known };
  }
}

/** marked's time grows faster than these do: a second here is an hour for ten times as much. */
const MAX_MARKS = 2000; // of emphasis, in one paragraph
const DEEP_QUOTE = /^(?:[ \t]*>){100}/m;

function isHostile(source: string): boolean {
  if (DEEP_QUOTE.test(source)) return true;
  if (source.length < MAX_MARKS) return false;
  return source.split(/\n\s*\n/).some((paragraph) => (paragraph.match(/[*_]+/g)?.length ?? 0) > MAX_MARKS);
}

function asText(source: string): Tokens.Paragraph {
  const text: Tokens.Text = { type: "text", raw: source, text: source };
  return { type: "paragraph", raw: source, text: source, tokens: [text] };
}
