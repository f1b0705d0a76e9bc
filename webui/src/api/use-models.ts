/** The models that the server answers with. */
import { useQuery } from "@tanstack/react-query";
import { call } from "./client";
import { keys } from "./keys";
import type { Model } from "./types.gen";

const LOADING_MS = 1000;

export function useModels() {
  return useQuery({ queryKey: keys.models, queryFn: ({ signal }) => call("GET /v1/models", { signal }) });
}

/** For who waits: the model, while it is being loaded. It is asked again and again, the first time after a second. */
export function useLoadingModel(modelId: string | undefined): Model | null {
  const { data } = useQuery({
    queryKey: keys.models,
    queryFn: ({ signal }) => call("GET /v1/models", { signal }),
    refetchOnMount: false,
    refetchInterval: LOADING_MS,
  });
  const model = data?.data.find((each) => each.id === modelId) ?? data?.data[0];
  return model?.state === "loading" || model?.state === "restarting" ? model : null;
}
