/** Who is signed in, and what this server lets a stranger do. */
import { useQuery } from "@tanstack/react-query";
import { call } from "./client";
import { keys } from "./keys";

export function useMe() {
  return useQuery({ queryKey: keys.me, queryFn: ({ signal }) => call("GET /api/auth/me", { signal }) });
}
