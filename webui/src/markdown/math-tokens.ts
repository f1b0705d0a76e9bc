/** Math in markdown: `$x$`, `$$x$$`, `\(x\)`, `\[x\]`. A dollar that is money stays one. */
import type { TokenizerAndRendererExtension } from "marked";

export interface MathToken {
  type: "math";
  raw: string;
  tex: string;
  isDisplay: boolean;
}

const BLOCK = /^ {0,3}(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n+|$)/;
const BLOCK_START = /^ {0,3}(?:\$\$|\\\[)/m;
const INLINE_DISPLAY = /^(?:\$\$([^$]+?)\$\$|\\\[((?:(?!\n\n)[\s\S])+?)\\\])/;
/** As pandoc has it: no space inside the dollars, no digit after them ("$5 and $10" is money). */
const INLINE = /^(?:\$(?![\s$])((?:\\[^\n]|[^$\\\n])*?(?:\\[^\n]|[^\s$\\]))\$(?![\d$])|\\\(((?:(?!\n\n)[\s\S])+?)\\\))/;
const INLINE_START = /\$|\\[([]/;

function token(match: RegExpExecArray | null, isDisplay: boolean): MathToken | undefined {
  const tex = match?.[1] ?? match?.[2];
  return match && tex ? { type: "math", raw: match[0], tex: tex.trim(), isDisplay } : undefined;
}

export const math: TokenizerAndRendererExtension[] = [
  {
    name: "math",
    level: "block",
    start: (source) => BLOCK_START.exec(source)?.index,
    tokenizer: (source) => token(BLOCK.exec(source), true),
  },
  {
    name: "inlineMath",
    level: "inline",
    start: (source) => INLINE_START.exec(source)?.index,
    tokenizer: (source) => token(INLINE_DISPLAY.exec(source), true) ?? token(INLINE.exec(source), false),
  },
];
