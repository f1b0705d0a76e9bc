/** Formulas that are blocks by themselves, as marked's tokens. */
import type { TokenizerAndRendererExtension } from "marked";
import { FENCE, fencedFormula, MAX_TEX_CHARACTERS } from "./inline/formulas";

export const fencedFormulas: TokenizerAndRendererExtension = {
  name: "math",
  level: "block",
  start: (source) => FENCE.exec(source)?.index,
  tokenizer: (source) => {
    const formula = fencedFormula(source);
    return formula ? { type: "math", raw: source.slice(0, formula.end), tex: formula.tex, isDisplay: true } : undefined;
  },
};

/** Of a paragraph: whether it becomes a formula when what follows it ends one. `numAfter`: characters that follow. */
export function mayBecomeFormula(paragraph: string, numAfter: number): boolean {
  const fence = FENCE.exec(paragraph);
  return fence !== null && paragraph.length - fence.index + numAfter <= MAX_TEX_CHARACTERS + 8;
}
