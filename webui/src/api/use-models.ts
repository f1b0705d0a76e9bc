/** The models that the server answers with. */
import { useQuery } from "@tanstack/react-query";
import { call } from "./client";
import { keys } from "./keys";

export function useModels() {
  return useQuery({ queryKey: keys.models, queryFn: ({ signal }) => call("GET /v1/models", { signal }) });
}
