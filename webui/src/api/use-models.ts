/** The models that the server answers chats with. Nobody tells when one comes or goes: it is asked, sooner while one is awaited. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { call } from "./client";
import { keys } from "./keys";
import type { Endpoints, Model } from "./types.gen";

const LOADING_MS = 1000;
const AWAITED_MS = 3_000;
const STEADY_MS = 30_000;

const MODELS = queryOptions({
  queryKey: keys.models,
  queryFn: async ({ signal }) => {
    const list = await call("GET /v1/models", { signal });
    return { ...list, data: list.data.filter((model) => model.capabilities.includes("chat")) }; // others make vectors
  },
});

export function useModels() {
  return useQuery({
    ...MODELS,
    refetchInterval: ({ state }) => (isSteady(state.data) ? STEADY_MS : AWAITED_MS),
  });
}

function isSteady(list: Endpoints["GET /v1/models"]["response"] | undefined): boolean {
  return list !== undefined && list.data.length > 0 && list.data.every((model) => model.state === "ready");
}

/** For who waits: the model, while it is being loaded. It is asked again and again, the first time after a second. */
export function useLoadingModel(modelId: string | undefined): Model | null {
  const { data } = useQuery({ ...MODELS, refetchOnMount: false, refetchInterval: LOADING_MS });
  const model = data?.data.find((each) => each.id === modelId) ?? data?.data[0];
  return model?.state === "loading" || model?.state === "restarting" ? model : null;
}
