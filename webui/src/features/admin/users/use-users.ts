/** Accounts, the newest first, page by page. */
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { call } from "@/api/client";
import { adminKeys } from "../admin-keys";

export function useUsers(search: string) {
  return useInfiniteQuery({
    queryKey: adminKeys.userList(search),
    queryFn: ({ signal, pageParam }) =>
      call("GET /api/admin/users", {
        query: { ...(search ? { search } : {}), ...(pageParam ? { cursor: pageParam } : {}) },
        signal,
      }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    staleTime: 0,
  });
}
