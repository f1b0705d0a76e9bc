/** Downloads, and beginning one. Their progress comes on the live line; asking is for when that is broken. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { call } from "@/api/client";
import { adminKeys, POLL_MS } from "../admin-keys";
import { useAction } from "../parts/use-action";

const LOOK_AGAIN_MS = 15_000;
/** Of the list of downloads, in the page. */
export const PULLS_ID = "pulls";

export function usePulls() {
  return useQuery({
    queryKey: adminKeys.pulls,
    queryFn: ({ signal }) => call("GET /api/admin/pulls", { signal }),
    refetchInterval: ({ state }) =>
      state.data?.data.some((pull) => pull.state === "running") ? POLL_MS : LOOK_AGAIN_MS,
    staleTime: 0,
  });
}

/** Shows what was begun: that may be at the other end of a long page. Throws what the server refuses it with. */
export function usePull(): (model: string) => Promise<unknown> {
  const queries = useQueryClient();
  const { attempt } = useAction();
  return async (model) => {
    const pull = await attempt(call("POST /api/admin/pulls", { body: { model } }), { changes: [] });
    await queries.invalidateQueries({ queryKey: adminKeys.pulls });
    requestAnimationFrame(() => document.getElementById(PULLS_ID)?.scrollIntoView());
    return pull;
  };
}
