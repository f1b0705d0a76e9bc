/** The messages of the path that is shown, read from its end page by page. */
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { readMessages, threadQuery } from "@/api/chat-queries";
import { keys } from "@/api/keys";
import { coalesced } from "@/lib/coalesced";
import { type ThreadPages, withNewest } from "./thread-pages";

export function useThread(sessionId: string) {
  const queries = useQueryClient();
  const query = useInfiniteQuery(threadQuery(sessionId));
  const { data } = query;
  const messages = useMemo(() => data?.pages.toReversed().flatMap((page) => page.data) ?? [], [data]);
  /** After something happened at the end of the thread. False: it failed, and is tried again when the line is back. */
  const readEnd = useMemo(
    () =>
      coalesced(async () => {
        const newest = await readMessages(sessionId, "").catch(() => null);
        if (!newest) return false;
        await queries.cancelQueries({ queryKey: keys.messages(sessionId) }); // what is older must not overwrite it
        queries.setQueryData<ThreadPages>(keys.messages(sessionId), (before) => withNewest(before, newest));
        return true;
      }),
    [queries, sessionId],
  );
  return { query, messages, readEnd };
}
