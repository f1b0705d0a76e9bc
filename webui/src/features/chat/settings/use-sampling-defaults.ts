/** The numbers that a chat's answers get where its settings name none: those of the model that writes them. */
import type { SamplingDefaultsView } from "@/api/types.gen";
import { useModels } from "@/api/use-models";

/** `model`: which answers in the chat. Undefined while no model is known. */
export function useSamplingDefaults(model: string | undefined): SamplingDefaultsView | undefined {
  const models = useModels().data?.data ?? [];
  return (models.find(({ id }) => id === model) ?? models[0])?.sampling_defaults;
}
