/** A formula; its source until KaTeX is there. */
import { memo, type ReactNode } from "react";
import { FallbackOnError } from "@/lib/fallback-on-error";
import { MAX_TEX_CHARACTERS } from "../inline/formulas";
import { latePart } from "../late-part";

const useFormula = latePart(() => import("./formula").then((module) => module.Formula));

interface Props {
  tex: string;
  isDisplay: boolean;
}

export const MathView = memo(function MathView({ tex, isDisplay }: Props) {
  const plain = (
    <code className={isDisplay ? "md-tex" : undefined} dir="ltr">
      {tex}
    </code>
  );
  if (tex.length > MAX_TEX_CHARACTERS) return plain;
  return (
    <FallbackOnError fallback={plain}>
      <DrawnFormula tex={tex} isDisplay={isDisplay} plain={plain} />
    </FallbackOnError>
  );
});

function DrawnFormula({ plain, ...formula }: Props & { plain: ReactNode }) {
  const Formula = useFormula();
  return Formula ? <Formula {...formula} /> : plain;
}
