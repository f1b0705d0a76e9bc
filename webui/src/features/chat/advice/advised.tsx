/** Finds out whether a word about the model is due; its words and code come then. */
import { lazy } from "react";
import { withPageWords } from "@/lib/i18n";
import type { AdviceProps } from "./advice";
import { useModelAdvice } from "./use-model-advice";

const ModelNote = lazy(() => withPageWords(import("./model-note")).then((module) => ({ default: module.ModelNote })));

export function Advised({ model, question }: AdviceProps) {
  const advice = useModelAdvice(model, question);
  return advice === null ? null : <ModelNote {...advice} />;
}
