/** Whether what answers took is always shown: kept among the preferences of the account; admins see it unless they say no. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { call } from "./client";
import { keys } from "./keys";
import { useMe } from "./use-me";

const KEPT_AS = "shows_statistics";

export function useShowsStatistics(): boolean {
  const { data } = useMe();
  const kept = data?.user?.preferences[KEPT_AS];
  return typeof kept === "boolean" ? kept : data?.role === "admin";
}

export function useSaveStatistics() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (isShown: boolean) => call("PATCH /api/profile", { body: { preferences: { [KEPT_AS]: isShown } } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.me }),
  });
}
