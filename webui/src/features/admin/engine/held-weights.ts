/** In which encoding an engine holds its weights, in one line. */
import type { TFunction } from "i18next";

interface Held {
  is_open: boolean;
  is_encoded: boolean;
  encodings: Record<string, number>;
  mean_kl: number | null;
  speed_before: number[] | null;
  speed_after: number[] | null;
}

function isHeld(value: unknown): value is Held {
  return typeof value === "object" && value !== null && "is_encoded" in value;
}

/** `value`: ModelInfo.weights as it came; engines elsewhere have none. */
export function heldWeights(value: unknown, t: TFunction, number: (value: number) => string): string {
  if (!isHeld(value)) {
    return "–";
  }
  if (value.is_open) {
    return t("admin.engine.weightsOpen");
  }
  const parts = [value.is_encoded ? Object.keys(value.encodings).join(", ") : t("admin.engine.weightsOfFile")];
  const [prompt, answer] = gains(value);
  if (prompt !== undefined && answer !== undefined) {
    parts.push(t("admin.engine.weightsGain", { prompt: number(prompt), answer: number(answer) }));
  }
  if (value.mean_kl !== null) {
    parts.push(t("admin.engine.weightsKl", { kl: value.mean_kl.toFixed(4) }));
  }
  return parts.join(" · ");
}

function gains(held: Held): number[] {
  const before = held.speed_before ?? [];
  return (held.speed_after ?? []).map((after, place) => after / (before[place] ?? after));
}
