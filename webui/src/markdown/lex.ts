/**
 * Markdown → marked's tokens. Ours are thoughts, formulas, footnotes, citations, and what marked would find otherwise beside Hangul, Kana and
 * Han: emphasis and bare addresses (`inline/`). Pure; knows no React.
 */
import { Hooks, Lexer, type Links, Marked, type MarkedToken, type Token, type Tokens } from "marked";
import { type CitationToken, citations } from "./citation-tokens";
import { type DetailsToken, details } from "./details-tokens";
import { closeHeading, DATE } from "./east-asian-blocks";
import { fencedFormulas } from "./fenced-formulas";
import { type FootnoteToken, footnotes } from "./footnote-tokens";
import { InlineRun, inlineFinds, type MathToken, type WithRuns } from "./inline/run";
import { type ThoughtToken, thoughts } from "./thought-tokens";

export type AnyToken = MarkedToken | MathToken | FootnoteToken | CitationToken | ThoughtToken | DetailsToken;

const marked = new Marked({
  gfm: true,
  breaks: true, // a model's line break is meant as one
  extensions: [thoughts, details, closeHeading, fencedFormulas, ...footnotes, citations, inlineFinds],
  tokenizer: {
    // Of what marked takes for an address only those of mail are left to it.
    list: (source) => (DATE.test(source) ? undefined : false),
    url: (source) => (/^(?:https?:|ftp:|www\.)/i.test(source) ? undefined : false),
  },
});

/** marked's lexer, which knows the run of inline text that it is in. */
class RunLexer extends Lexer implements WithRuns {
  readonly #runs: InlineRun[] = [];

  constructor() {
    const hooks = new Hooks();
    super({ ...marked.defaults, hooks });
    // Called once for each run, before anything in it is lexed.
    hooks.emStrongMask = (masked) => {
      this.run?.find(masked, { hasAddresses: !this.state.inLink });
      return masked;
    };
  }

  get run(): InlineRun | undefined {
    return this.#runs.at(-1);
  }

  override inlineTokens(source: string, tokens: Token[] = []): Token[] {
    this.#runs.push(new InlineRun(source));
    try {
      return super.inlineTokens(source, tokens);
    } finally {
      this.#runs.pop();
    }
  }
}

export interface Lexed {
  tokens: AnyToken[];
  /** The reference links that this text defines, and `known`. */
  links: Links;
}

/** `known`: reference links defined earlier in the document that `source` is the rest of. */
export function lex(source: string, known: Links = {}): Lexed {
  if (isHostile(source)) return { tokens: [asText(source)], links: known };
  const lexer = new RunLexer();
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
