/** Classes of letters that the constructs of a text are told apart by. Pure. */

const CLOSE_SCRIPTS = ["Hang", "Hira", "Kana", "Hani", "Bopo", "Thai", "Laoo", "Khmr", "Mymr"];
const ofScripts = CLOSE_SCRIPTS.map((script) => `\\p{scx=${script}}`).join("");

/**
 * A regular expression's source (flag `u`): a letter of a script that writes on without a space, be it the next word
 * (Chinese, Japanese, Thai) or a particle (Korean). With the full-width forms of Latin letters and digits.
 */
export const CLOSE_LETTER = `(?:(?=[\\p{L}\\p{M}\\p{N}])[${ofScripts}]|[\\uff10-\\uff19\\uff21-\\uff3a\\uff41-\\uff5a])`;

const IS_CLOSE_LETTER = new RegExp(`^${CLOSE_LETTER}$`, "u");

export function isCloseLetter(character: string): boolean {
  return character > "\u0e00" && IS_CLOSE_LETTER.test(character);
}

/** The whole character that begins at `index`; "" at the end. */
export function characterAt(text: string, index: number): string {
  const code = text.codePointAt(index);
  return code === undefined ? "" : String.fromCodePoint(code);
}

/** The whole character that ends before `index`; "" at the beginning. */
export function characterBefore(text: string, index: number): string {
  const isPair =
    index > 1 && /[\udc00-\udfff]/.test(text[index - 1] ?? "") && /[\ud800-\udbff]/.test(text[index - 2] ?? "");
  return text.slice(isPair ? index - 2 : Math.max(index - 1, 0), index);
}

const PARTICLES = new RegExp(
  "^(?:을|를|이|가|은|는|와|과|의|에|에서|에는|에서는|에도|로|으로|로는|도|만|까지|부터|에게|보다|처럼|나|이나|라|이라|라고|이라고|라는" +
    "|이라는|입니다|이다|이며|이고|이에요|예요|및|등|등을|등의|또는|그리고|하고|랑|이랑)$",
);
const CLOSE_LETTERS = new RegExp(`${CLOSE_LETTER}+`, "uy");

/** The close letters that stand at `index` and after it. */
export function closeLettersAt(text: string, index: number): string {
  CLOSE_LETTERS.lastIndex = index;
  return CLOSE_LETTERS.exec(text)?.[0] ?? "";
}

/** Whether close letters are a Korean particle (or a word that stands like one), and no word by themselves. */
export function isParticle(letters: string): boolean {
  return PARTICLES.test(letters);
}
