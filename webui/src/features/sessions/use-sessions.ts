/** The reader's chats, the last used first, page by page; and the pinned ones. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { call } from "@/api/client";
import { keys } from "@/api/keys";

const RECENT = { pinned: false, archived: false, limit: 60 };
const PINNED = { pinned: true, archived: false, limit: 100 };

export function useRecentSessions() {
  return useInfiniteQuery({
    queryKey: keys.sessionList(RECENT),
    queryFn: ({ signal, pageParam }) =>
      call("GET /api/sessions", { query: { ...RECENT, ...(pageParam ? { cursor: pageParam } : {}) }, signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });
}

export function usePinnedSessions() {
  return useQuery({
    queryKey: keys.sessionList(PINNED),
    queryFn: ({ signal }) => call("GET /api/sessions", { query: PINNED, signal }),
  });
}
