/** What a chat's page asks first: here, so that it can be asked before the page's code has come. */
import { infiniteQueryOptions, type QueryClient, queryOptions } from "@tanstack/react-query";
import { sessionIdIn } from "@/lib/chat-path";
import { call } from "./client";
import { keys } from "./keys";

const PAGE = 30;

export const sessionQuery = (sessionId: string) =>
  queryOptions({
    queryKey: keys.session(sessionId),
    queryFn: ({ signal }) => call("GET /api/sessions/{session_id}", { path: { session_id: sessionId }, signal }),
  });

/** What the chat asks of the model, and which one. */
export const configQuery = (sessionId: string) =>
  queryOptions({
    queryKey: keys.config(sessionId),
    queryFn: ({ signal }) => call("GET /api/sessions/{session_id}/config", { path: { session_id: sessionId }, signal }),
  });

/** The messages of the path that is shown, from its end. */
export const threadQuery = (sessionId: string) =>
  infiniteQueryOptions({
    queryKey: keys.messages(sessionId),
    queryFn: ({ signal, pageParam }) => readMessages(sessionId, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });

/** `before`: next_cursor of the page after; "" the last one. */
export function readMessages(sessionId: string, before: string, signal?: AbortSignal) {
  return call("GET /api/sessions/{session_id}/messages", {
    path: { session_id: sessionId },
    query: { limit: PAGE, ...(before ? { before } : {}) },
    ...(signal ? { signal } : {}),
  });
}

/** Asks for the chat that the address names, if it names one. */
export function prefetchChat(queries: QueryClient, pathname: string): void {
  const sessionId = sessionIdIn(pathname);
  if (!sessionId) return;
  queries.prefetchQuery(sessionQuery(sessionId));
  queries.prefetchInfiniteQuery(threadQuery(sessionId));
}
