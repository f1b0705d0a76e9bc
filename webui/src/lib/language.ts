/**
 * The language that a block of text is written in, as far as its letters tell: how lines break (Korean between words,
 * Chinese and Japanese between letters), which form of a Han letter is drawn, and how it is read out. Pure.
 */

export type Language = "ko" | "ja" | "zh";

/** Of a block no more is looked at. */
const MAX_CHARACTERS = 400;
/** Fewer Han letters and nothing else may be Japanese or Chinese, and are too short to matter. */
const MIN_HAN = 8;
const HANGUL = /[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]/g;
const KANA = /[\u3041-\u30fa\u30fc-\u30ff]/g;
const HAN = /\p{Script=Han}/gu;
const MAY_BE = /[\u1100-\uffff]/;

/** Undefined: it is in none of these, or cannot be told. */
export function languageOf(text: string): Language | undefined {
  if (!MAY_BE.test(text)) return undefined;
  const sample = text.slice(0, MAX_CHARACTERS);
  const count = (letters: RegExp) => sample.match(letters)?.length ?? 0;
  const [hangul, kana, han] = [count(HANGUL), count(KANA), count(HAN)];
  if (hangul > 0 && hangul >= (kana + han) / 2) return "ko";
  if (kana > 0 && kana >= han / 8) return "ja";
  return han >= MIN_HAN ? "zh" : undefined;
}
