/** Languages by their names, those that the reader knows first. Pure. */

export interface LanguageNames {
  names: readonly string[];
  /** How many more there are. */
  more: number;
}

const SHOWN = 3;

/** `codes` as a model's makers name them; `reader`: the page's language. */
export function languageNames(codes: readonly string[], reader: string): LanguageNames {
  const told = new Intl.DisplayNames(reader, { type: "language", fallback: "code" });
  const first = [reader, "en"].filter((code) => codes.includes(code));
  const ordered = [...new Set([...first, ...codes])].filter((code) => code !== "multilingual");
  const names = ordered.slice(0, SHOWN).map((code) => told.of(code) ?? code);
  return { names, more: ordered.length - names.length };
}
