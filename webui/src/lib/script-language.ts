/** Which language a text is in, where its letters alone say so. Pure. */

const SCRIPTS: readonly [RegExp, string][] = [
  [/\p{sc=Hangul}/gu, "ko"],
  [/[\p{sc=Hiragana}\p{sc=Katakana}]/gu, "ja"],
  [/\p{sc=Cyrillic}/gu, "ru"],
  [/\p{sc=Arabic}/gu, "ar"],
  [/\p{sc=Thai}/gu, "th"],
  [/\p{sc=Devanagari}/gu, "hi"],
  [/\p{sc=Han}/gu, "zh"],
];
/** Of all letters: a name or a quoted word is not the language of a question. */
const ENOUGH = 0.3;
const MAX_READ = 2000;

/** null: Latin letters, which many languages share, or no letters. Kana among Han is Japanese. */
export function scriptLanguage(text: string): string | null {
  const read = text.slice(0, MAX_READ);
  const letters = read.match(/\p{L}/gu)?.length ?? 0;
  for (const [script, language] of SCRIPTS) {
    const count = read.match(script)?.length ?? 0;
    if (count > 0 && count >= letters * ENOUGH) return language;
  }
  return null;
}
