/**
 * Where a text has formulas: `$x$`, `$$x$$`, `\(x\)`, `\[x\]`. Pure.
 *
 * Dollars are money, units and shell variables too. As pandoc has it, a formula's dollars have no space inside; and one
 * after a letter or digit opens none (`US$`, `10$`), one before a letter or digit closes none (`$5 and $10`, `$HOME:$PATH`).
 * Close letters are no such letters: `값은 $x$이다`. What stands between must be able to be a formula: prose is none.
 */
import { CLOSE_LETTER } from "./letters";

export interface Formula {
  end: number;
  tex: string;
  isDisplay: boolean;
}

/** A longer one is text: KaTeX would hold the page up, and a growing text could never be said to have none. */
export const MAX_TEX_CHARACTERS = 5000;

const DISPLAY = /\$\$(?!\$)([^$]+?)\$\$(?!\$)/y;
const INLINE = /\$(?![\s$])((?:\\[^\n]|[^$\\\n])*?(?:\\[^\n]|[^\s$\\]))\$(?![${])/y;
const IN_PARENTHESES = /\\\(((?:(?!\n\n)[\s\S])+?)\\\)/y;
const IN_BRACKETS = /\\\[((?:(?!\n\n)[\s\S])+?)\\\]/y;
const FENCED = new RegExp(
  `^ {0,3}(?:\\$\\$(?!\\$)([\\s\\S]{1,${MAX_TEX_CHARACTERS}}?)\\$\\$|\\\\\\[([\\s\\S]{1,${MAX_TEX_CHARACTERS}}?)\\\\\\])[ \\t]*(?:\\n+|$)`,
);
export const FENCE = /^ {0,3}(?:\$\$|\\\[)/m;

const TOUCHES = /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Nd}_]$/u;
/** Stands at a letter: `CO$_2$`, `10$^{-3}$`. */
const INDEX = /^[_^](?:\d+|[+-]|\{[^{}]*\})$/;
/** What only a formula has. */
const SIGN = /[\\^_={}<>+*|]/;
const WORD = /\p{L}{3,}/gu;
/** `$5 or 6$`: its dollars are money, one before and one after. */
const AMOUNTS = /^\d.*\s\p{L}{2,}\s/u;
const LETTER = /[\p{L}\p{N}]/u;
const CLOSE = new RegExp(CLOSE_LETTER, "u");
const OPEN_LETTER = /[\p{Script=Latin}\p{Script=Greek}\p{N}]/u;

/** The formula within a line that begins at `start`, where a dollar or a backslash stands. */
export function formulaAt(text: string, start: number): Formula | null {
  if (text[start] === "\\") return bracketed(text, start);
  if (text[start - 1] === "$") return null;
  const isDisplay = text[start + 1] === "$";
  const pattern = isDisplay ? DISPLAY : INLINE;
  pattern.lastIndex = start;
  const [whole = "", tex = ""] = pattern.exec(text) ?? [];
  const end = start + whole.length;
  const isApart = !TOUCHES.test(text[start - 1] ?? "") && !TOUCHES.test(text[end] ?? "");
  if (!INDEX.test(tex) && !(isApart && isTex(tex))) return null;
  return { end, tex: tex.trim(), isDisplay };
}

/** The formula that is a block by itself, at the beginning of `text`. */
export function fencedFormula(text: string): Formula | null {
  const [whole = "", dollars, brackets] = FENCED.exec(text) ?? [];
  const tex = dollars ?? brackets ?? "";
  const isOne = isTex(tex) && (dollars !== undefined || isNoAside(tex));
  return isOne ? { end: whole.length, tex: tex.trim(), isDisplay: true } : null;
}

function bracketed(text: string, start: number): Formula | null {
  const isDisplay = text[start + 1] === "[";
  // What has no end is not looked through again at each beginning.
  if (text.lastIndexOf(isDisplay ? "\\]" : "\\)") <= start) return null;
  const pattern = isDisplay ? IN_BRACKETS : IN_PARENTHESES;
  pattern.lastIndex = start;
  const [whole = "", tex = ""] = pattern.exec(text) ?? [];
  return whole && isTex(tex) && isNoAside(tex) ? { end: start + whole.length, tex: tex.trim(), isDisplay } : null;
}

/** Whether it can be one: not the words between two prices, nor what stands between two variables of a shell. */
function isTex(text: string): boolean {
  const tex = text.trim();
  if (!LETTER.test(tex) || /^(?:[/,;:)\]}?]|\.[A-Za-z])|(?:[/:,;(["]|[^^]-)$/.test(tex)) return false;
  if (SIGN.test(tex)) return true;
  const numWords = tex.match(WORD)?.length ?? 0;
  if (AMOUNTS.test(tex) || numWords > 1 || (numWords > 0 && /^[\s\d]/.test(text))) return false;
  return !(CLOSE.test(tex) && /\s|^\d/.test(text));
}

/** Brackets that somebody escaped around words of his language: `\(선택\)`. */
function isNoAside(tex: string): boolean {
  return SIGN.test(tex) || OPEN_LETTER.test(tex) || !CLOSE.test(tex);
}
