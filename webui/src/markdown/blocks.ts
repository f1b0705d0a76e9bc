/**
 * A growing text as blocks: what is settled is kept, only the tail is lexed again.
 *
 * Invariant: after `update(text, true)` the blocks are those of lexing `text` whole. While it grows they may differ in
 * one way: a reference link whose definition comes later is not a link yet.
 */
import type { Links, Token, Tokens } from "marked";
import { type CitationCounts, placeCitations } from "./citation-tokens";
import { mayBecomeFormula } from "./fenced-formulas";
import { type AnyToken, lex } from "./lex";

export interface Block {
  /** Its place; another one after the whole document was lexed anew. */
  key: string;
  token: AnyToken;
}

/** A block is settled when at least this many newer ones follow it: only the last can still take lines up. */
const NUM_UNSETTLED = 2;

/** Owned by one `Markdown` on the page. `update` is idempotent, so rendering twice is harmless. */
export class BlockLexer {
  #text = "";
  #settled: Block[] = [];
  #settledLength = 0;
  #links: Links = Object.create(null);
  #hasLinks = false;
  #citations: CitationCounts = new Map(); // of what is settled
  #blocks: Block[] = [];
  #isComplete = false;
  #epoch = 0;
  /** Of all lexing so far: what the growing costs. */
  numLexedCharacters = 0;

  update(source: string, isComplete: boolean): readonly Block[] {
    const text = source.includes("\r") ? source.replace(/\r\n?/g, "\n") : source;
    if (text === this.#text && isComplete === this.#isComplete) return this.#blocks;
    if (!text.startsWith(this.#text)) this.#restart();
    const wasCut = this.#settledLength > 0;
    this.#lexTail(text);
    if (isComplete && wasCut && this.#hasLinks) {
      // A definition may have come after the blocks that were settled without it.
      this.#restart();
      this.#lexTail(text);
    }
    this.#text = text;
    this.#isComplete = isComplete;
    return this.#blocks;
  }

  #restart(): void {
    this.#settled = [];
    this.#settledLength = 0;
    this.#links = Object.create(null);
    this.#citations = new Map();
    this.#epoch += 1;
  }

  #lexTail(text: string): void {
    const tail = text.slice(this.#settledLength);
    this.numLexedCharacters += tail.length;
    const { tokens, links } = lex(tail, this.#links);
    const numSettled = this.#numSettled(tokens, tail);
    placeCitations(tokens.slice(0, numSettled), this.#citations);
    placeCitations(tokens.slice(numSettled), new Map(this.#citations));
    for (const token of tokens.slice(0, numSettled)) {
      if (isShown(token)) this.#settled.push(this.#block(token, this.#settled.length));
      for (const { tag, href, title } of definitions(token)) this.#links[tag] ??= { href, title };
      this.#settledLength += token.raw.length;
    }
    const rest = tokens.slice(numSettled).filter(isShown);
    this.#blocks = [...this.#settled, ...rest.map((token, n) => this.#block(token, this.#settled.length + n))];
    this.#hasLinks = Object.keys(links).length > 0;
  }

  /** The first that many of `tokens` are settled. None if they do not spell the text: then it cannot be cut. */
  #numSettled(tokens: AnyToken[], tail: string): number {
    let numNewer = 0;
    let cut = tokens.length;
    while (cut > 0 && numNewer < NUM_UNSETTLED) {
      cut -= 1;
      if (tokens[cut]?.type !== "space") numNewer += 1;
    }
    if (numNewer < NUM_UNSETTLED) return 0;
    let length = 0;
    for (const [index, { type, raw }] of tokens.slice(0, cut).entries()) {
      if (!tail.startsWith(raw, length)) return 0;
      if (type === "paragraph" && mayBecomeFormula(raw, tail.length - length - raw.length)) return index;
      length += raw.length;
    }
    return cut;
  }

  #block(token: AnyToken, index: number): Block {
    return { key: `${this.#epoch}:${index}`, token };
  }
}

/** Of reference links, in quotes, details and lists too. */
function definitions(token: Token): Tokens.Def[] {
  if (token.type === "def") return [token as Tokens.Def];
  const isHolder = token.type === "blockquote" || token.type === "details";
  const inner: Token[] = token.type === "list" ? token.items : isHolder ? (token.tokens ?? []) : [];
  return inner.flatMap((each) =>
    each.type === "list_item" ? (each.tokens ?? []).flatMap(definitions) : definitions(each),
  );
}

function isShown(token: AnyToken): boolean {
  return token.type !== "space" && token.type !== "def";
}
