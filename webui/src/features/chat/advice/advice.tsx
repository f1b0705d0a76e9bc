/** A word about the model, where one is due: after the chat is there, which does not wait for it. */
import { lazy, Suspense } from "react";
import type { Model } from "@/api/types.gen";

const Advised = lazy(() => import("./advised").then((module) => ({ default: module.Advised })));

export interface AdviceProps {
  /** Which answers. */
  model: Model | undefined;
  /** The last one of a chat; null where none was asked yet. */
  question: string | null;
}

export function Advice(props: AdviceProps) {
  return (
    <Suspense fallback={null}>
      <Advised {...props} />
    </Suspense>
  );
}
