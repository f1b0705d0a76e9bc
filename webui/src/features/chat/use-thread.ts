/** The messages of the path that is shown, read from its end page by page. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { call } from "@/api/client";
import { keys } from "@/api/keys";

const PAGE = 30;

export function useThread(sessionId: string) {
  const path = { session_id: sessionId };
  const query = useInfiniteQuery({
    queryKey: keys.messages(sessionId),
    queryFn: ({ signal, pageParam }) =>
      call("GET /api/sessions/{session_id}/messages", {
        path,
        query: { limit: PAGE, ...(pageParam ? { before: pageParam } : {}) },
        signal,
      }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });
  const { data } = query;
  const messages = useMemo(() => data?.pages.toReversed().flatMap((page) => page.items) ?? [], [data]);
  return { query, messages };
}
