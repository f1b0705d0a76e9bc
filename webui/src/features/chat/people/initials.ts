/** A person as a sign: the first letters of a name, and a colour that is theirs wherever they are. Pure. */

const letters = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Of the first and the last word: "Ann Kim" → "AK", "엄마" → "엄". */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/);
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words;
  return ends.map((word) => firstLetter(word ?? "")).join("");
}

/** In degrees of the colour circle. */
export function hueOf(name: string): number {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  return sum;
}

function firstLetter(word: string): string {
  const [first] = letters.segment(word);
  return first?.segment.toLocaleUpperCase() ?? "";
}
