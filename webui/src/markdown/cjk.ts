/**
 * Bold and struck text beside Hangul, Kana and Han: `**모델(LLM)**은`, `~~취소(1)~~됨`.
 *
 * CommonMark lets a closing mark that follows punctuation close only before a space or punctuation, and mirrors that
 * for opening marks; languages that write particles without a space fall through. marked and remark keep to it ("works
 * as intended"). Here a pair counts when an East Asian letter stands right after its close or right before its opening.
 */
import type { TokenizerAndRendererExtension, TokenizerExtension, TokenizerThis, Tokens } from "marked";

const LETTER = "[\\p{Script=Hangul}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Han}]";
const ENDS_IN_LETTER = new RegExp(`${LETTER}$`, "u");
const STARTS_WITH_LETTER = new RegExp(`^${LETTER}`, "u");
/** A mark, not beside a space, around text without that mark; code spans and escapes are stepped over. */
const STRONG = /^\*\*(?![\s*])((?:\\[^\n]|`[^`\n]*`|[^*\\\n]|\*(?!\*))*?[^\s*\\])\*\*(?!\*)/u;
const STRUCK = /^~~(?![\s~])((?:\\[^\n]|`[^`\n]*`|[^~\\\n]|~(?!~))*?[^\s~\\])~~(?!~)/u;

function pair(name: string, type: "strong" | "del", pattern: RegExp): TokenizerExtension {
  return {
    name,
    level: "inline",
    tokenizer(this: TokenizerThis, source, before): Tokens.Strong | Tokens.Del | undefined {
      const match = pattern.exec(source);
      if (!match?.[1]) return undefined;
      const opensAfter = ENDS_IN_LETTER.test(before.at(-1)?.raw.slice(-2) ?? "");
      if (!opensAfter && !STARTS_WITH_LETTER.test(source.slice(match[0].length))) return undefined;
      return { type, raw: match[0], text: match[1], tokens: this.lexer.inlineTokens(match[1]) };
    },
  };
}

export const cjkEmphasis: TokenizerAndRendererExtension[] = [
  pair("cjkStrong", "strong", STRONG),
  pair("cjkStruck", "del", STRUCK),
];
