/** The numbers that a chat's answers get where its settings name none: those of the model that writes them. */
import type { SamplingDefaultsView } from "@/api/types.gen";
import { useModels } from "@/api/use-models";
import { useWantedModel } from "../chosen-model";

/** `model`: the chat's own; null: the one that is chosen here. Undefined while no model is known. */
export function useSamplingDefaults(model: string | null): SamplingDefaultsView | undefined {
  const models = useModels().data?.data ?? [];
  const wanted = useWantedModel();
  const writing = models.find(({ id }) => id === (model ?? wanted)) ?? models[0];
  return writing?.sampling_defaults;
}
