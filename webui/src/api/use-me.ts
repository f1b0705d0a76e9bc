/** Who is signed in, and what this server lets a stranger do. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { call } from "./client";
import { keys } from "./keys";

export const meQuery = queryOptions({
  queryKey: keys.me,
  queryFn: ({ signal }) => call("GET /api/auth/me", { signal }),
});

export function useMe() {
  return useQuery(meQuery);
}

/** "" until it is known. */
export function useMyId(): string {
  return useMe().data?.user?.user_id ?? "";
}
