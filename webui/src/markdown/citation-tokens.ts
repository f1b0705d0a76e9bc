/**
 * Marks of citations: [1], [1, 2], 【1】, as src/bdchat/api/citations/marks.py finds them. Whether a mark cites anything
 * is known where it is drawn: one whose numbers no source has is text.
 */
import type { Links, Token, TokenizerAndRendererExtension, TokenizerThis, Tokens } from "marked";

export interface CitationToken {
  type: "citation";
  raw: string;
  numbers: number[];
  /** For each number: how many marks before this one name it. */
  places: number[];
}

const MARK = /^[[［【]\s*(\d{1,5}(?:\s*[,，、;]\s*\d{1,5}){0,31})\s*[\]］】]/;
const WIDE_MARK = /[［【]\s*\d/;

export const citations: TokenizerAndRendererExtension = {
  name: "citation",
  level: "inline",
  start: (source) => WIDE_MARK.exec(source)?.index, // at "[" marked stops by itself
  tokenizer(this: TokenizerThis, source): CitationToken | undefined {
    const [raw, listed] = MARK.exec(source) ?? [];
    if (!raw || !listed || this.lexer.state.inLink) return undefined;
    if (raw.startsWith("[") && isLink(source.slice(raw.length), listed, this.lexer.tokens.links)) return undefined;
    return { type: "citation", raw, numbers: listed.match(/\d+/g)?.map(Number) ?? [], places: [] };
  },
};

/** `[1](…)`, `[1]` of an address that is told elsewhere, `[1][label]` of another. */
function isLink(after: string, label: string, links: Links): boolean {
  const [, next = ""] = /^\[([^\]]+)\]/.exec(after) ?? [];
  return after.startsWith("(") || [label, next].some((each) => Object.hasOwn(links, each));
}

/** How many marks name each number. */
export type CitationCounts = Map<number, number>;

/** Says of each mark in `tokens` which it is, counted on from `counts`. */
export function placeCitations(tokens: readonly Token[], counts: CitationCounts): void {
  for (const token of tokens) {
    if (token.type === "citation") {
      const { numbers, places } = token as CitationToken;
      for (const [n, number] of numbers.entries()) {
        const place = counts.get(number) ?? 0;
        places[n] = place;
        counts.set(number, place + 1);
      }
    } else for (const inner of innerOf(token)) placeCitations(inner, counts);
  }
}

function innerOf(token: Token): readonly (readonly Token[])[] {
  const { summary, tokens, items, header, rows } = token as Tokens.Generic;
  const cells = [...(header ?? []), ...(rows ?? []).flat()] as Tokens.TableCell[];
  return [summary ?? [], tokens ?? [], items ?? [], ...cells.map((cell) => cell.tokens ?? [])];
}
