/** Where a word about the model is due, and its code comes then. */
import { lazy, Suspense } from "react";
import type { Model } from "@/api/types.gen";
import { withPageWords } from "@/lib/i18n";
import { useModelAdvice } from "./use-model-advice";

const ModelNote = lazy(() => withPageWords(import("./model-note")).then((module) => ({ default: module.ModelNote })));

interface Props {
  /** Which answers. */
  model: Model | undefined;
  /** The last one of a chat; null where none was asked yet. */
  question: string | null;
}

export function Advice({ model, question }: Props) {
  const advice = useModelAdvice(model, question);
  if (advice === null) return null;
  return (
    <Suspense fallback={null}>
      <ModelNote {...advice} />
    </Suspense>
  );
}
