/** The engines as they are, and their totals over the last minutes. */
import { useQuery } from "@tanstack/react-query";
import { call } from "@/api/client";
import type { EngineView } from "@/api/types.gen";
import { adminKeys, POLL_MS } from "../admin-keys";
import { type Sample, withSample } from "./rates";

export interface Engines {
  engines: EngineView[];
  history: Sample[];
}

export function useEngines() {
  return useQuery({
    queryKey: adminKeys.engines,
    queryFn: async ({ signal, client }): Promise<Engines> => {
      const { data } = await call("GET /api/admin/engine", { signal });
      const before = client.getQueryData<Engines>(adminKeys.engines);
      return { engines: data, history: withSample(before?.history ?? [], data, Date.now()) };
    },
    refetchInterval: POLL_MS,
    staleTime: 0,
  });
}
