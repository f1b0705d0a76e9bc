/** A formula; its source until KaTeX is there. */
import { lazy, memo } from "react";
import { LazyPart } from "../lazy-part";

const Formula = lazy(() => import("./formula").then((module) => ({ default: module.Formula })));
/** KaTeX on more than this would hold the page up. */
const MAX_TEX_CHARACTERS = 5000;

interface Props {
  tex: string;
  isDisplay: boolean;
}

export const MathView = memo(function MathView({ tex, isDisplay }: Props) {
  const plain = <code className={isDisplay ? "md-tex" : undefined}>{tex}</code>;
  if (tex.length > MAX_TEX_CHARACTERS) return plain;
  return (
    <LazyPart plain={plain}>
      <Formula tex={tex} isDisplay={isDisplay} />
    </LazyPart>
  );
});
