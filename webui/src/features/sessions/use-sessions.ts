/** The reader's chats, the last used first, page by page; the pinned ones, and the first of those that others share. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import type { SessionPage, SessionView } from "@/api/types.gen";
import { filterOf, type Place } from "./session-filter";
import { MAX_IN_SECTION } from "./session-rows";

const NEWEST_SHARED = { shared: true, limit: MAX_IN_SECTION + 1 };
const PINNED = { pinned: true, archived: false, limit: 100 };

export function useSessions(place: Place) {
  const filter = filterOf(place);
  return useInfiniteQuery({
    queryKey: keys.sessionList(filter),
    queryFn: ({ signal, pageParam }) =>
      call("GET /api/sessions", { query: { ...filter, ...(pageParam ? { cursor: pageParam } : {}) }, signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });
}

/** Only what is in use is pinned. */
export function usePinnedSessions(place: Place) {
  const isWanted = place.shelf === "active";
  return useQuery({
    queryKey: keys.sessionList(PINNED),
    queryFn: ({ signal }) => allPinned(signal),
    enabled: isWanted,
    select: (found) => (isWanted ? found : []),
  });
}

/** The list leaves them out, so that none may be missing here. */
async function allPinned(signal: AbortSignal): Promise<SessionView[]> {
  const found: SessionView[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: SessionPage = await call("GET /api/sessions", {
      query: { ...PINNED, ...(cursor ? { cursor } : {}) },
      signal,
    });
    found.push(...page.data);
    cursor = page.next_cursor;
  }
  return found;
}

/** For their section in the list of one's own. */
export function useNewestShared(place: Place) {
  const isWanted = place.shelf === "active";
  return useQuery({
    queryKey: keys.sessionList(NEWEST_SHARED),
    queryFn: ({ signal }) => call("GET /api/sessions", { query: NEWEST_SHARED, signal }),
    enabled: isWanted,
    select: (page) => (isWanted ? page.data : []),
  });
}
