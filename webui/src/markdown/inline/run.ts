/**
 * One run of inline text (a paragraph, a heading, a cell, what stands between two marks) and what is found in it ahead of
 * marked: formulas, bare addresses, emphasis. Each takes its place before the next is looked for.
 */
import type { Token, TokenizerAndRendererExtension, TokenizerThis, Tokens } from "marked";
import { addressEnd } from "./addresses";
import { emphasisPairs, type Pair } from "./emphasis";
import { type Formula, formulaAt } from "./formulas";

export interface MathToken {
  type: "math";
  raw: string;
  tex: string;
  isDisplay: boolean;
}

type Find = ({ kind: "formula" } & Formula) | { kind: "address"; end: number } | ({ kind: "pair" } & Pair);

const CANDIDATE = /\$|\\[([]|(?:https?|ftp):\/\/|www\./gi;
const MARK = /[*_~]/;

/** Owned by the lexer of one text, for as long as it lexes this run. */
export class InlineRun {
  readonly #text: string;
  readonly #finds = new Map<number, Find>();
  #starts: number[] = [];
  #next = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** `masked`: the run as marked has masked it, equally long: code, links, HTML and escapes are no marks there. */
  find(masked: string, { hasAddresses }: { hasAddresses: boolean }): void {
    const rest = this.#findWhole(masked, hasAddresses);
    if (MARK.test(rest)) for (const pair of emphasisPairs(rest)) this.#finds.set(pair.start, { kind: "pair", ...pair });
    this.#starts = [...this.#finds.keys()].sort((one, other) => one - other);
  }

  /** What is taken as one: formulas and addresses. The text with them masked too. */
  #findWhole(masked: string, hasAddresses: boolean): string {
    let rest = "";
    let done = 0;
    for (const { index, 0: beginning } of this.#text.matchAll(CANDIDATE)) {
      if (index < done) continue;
      const find = this.#findAt(index, beginning, masked, hasAddresses);
      if (!find) continue;
      this.#finds.set(index, find);
      // Beside a mark a formula is as punctuation is, an address as a letter.
      rest += masked.slice(done, index) + (find.kind === "formula" ? "+" : "a").repeat(find.end - index);
      done = find.end;
    }
    return rest + masked.slice(done);
  }

  #findAt(index: number, beginning: string, masked: string, hasAddresses: boolean): Find | null {
    const isEscape = beginning.startsWith("\\");
    if (masked[index] !== (isEscape ? "+" : this.#text[index])) return null;
    if (isEscape || beginning === "$") {
      const formula = formulaAt(this.#text, index);
      return formula && { kind: "formula", ...formula };
    }
    const end = hasAddresses ? addressEnd(this.#text, masked, index) : null;
    return end === null ? null : { kind: "address", end };
  }

  /** How many characters of `rest`, which ends the run, stand before the next find; null: there is none. */
  charactersBefore(rest: string): number | null {
    const at = this.#text.length - rest.length;
    while ((this.#starts[this.#next] ?? at) < at) this.#next += 1;
    const start = this.#starts[this.#next];
    return start === undefined ? null : start - at;
  }

  /** What `rest` begins with, of what marked is not asked for. `inner` lexes what stands between two marks. */
  token(rest: string, inner: (text: string) => Token[]): MathToken | Tokens.Generic | null {
    const at = this.#text.length - rest.length;
    const find = this.#finds.get(at);
    if (!find) return MARK.test(rest[0] ?? "") ? this.#marks(rest) : null;
    const raw = rest.slice(0, find.end - at);
    switch (find.kind) {
      case "formula":
        return { type: "math", raw, tex: find.tex, isDisplay: find.isDisplay };
      case "address": {
        const href = /^w/i.test(raw) ? `http://${raw}` : raw;
        return { type: "link", raw, text: raw, href, autolink: true, tokens: [{ type: "text", raw, text: raw }] };
      }
      default: {
        const text = raw.slice(find.numMarks, -find.numMarks);
        return { type: find.type, raw, text, tokens: inner(text) };
      }
    }
  }

  /** Marks that mark nothing, up to one that does. */
  #marks(rest: string): Tokens.Text {
    const run = /^[*_~]+/.exec(rest)?.[0] ?? "";
    const raw = run.slice(0, this.charactersBefore(rest) ?? run.length);
    return { type: "text", raw, text: raw, escaped: false };
  }
}

/** A lexer that has its runs. */
export interface WithRuns {
  readonly run: InlineRun | undefined;
}

const runOf = (context: TokenizerThis) => (context.lexer as unknown as WithRuns).run;

export const inlineFinds: TokenizerAndRendererExtension = {
  name: "inlineFind",
  level: "inline",
  start(this: TokenizerThis, rest) {
    return runOf(this)?.charactersBefore(rest) ?? undefined;
  },
  tokenizer(this: TokenizerThis, rest) {
    return runOf(this)?.token(rest, (text) => this.lexer.inlineTokens(text)) ?? undefined;
  },
};
