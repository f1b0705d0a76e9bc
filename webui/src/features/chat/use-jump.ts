/** Goes to the message that the address names (`?message=…`), on whatever branch it is; a search leads here. */
import { type UseInfiniteQueryResult, useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useRef } from "react";
import { useSearchParams } from "react-router";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import type { PathMessageView } from "@/api/types.gen";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";

const NAME = "message";
const SHOWN_FOR_MS = 2500;

export const elementIdOf = (messageId: string): string => `message-${messageId}`;

type Pages = Pick<UseInfiniteQueryResult, "isFetching" | "hasNextPage" | "fetchNextPage">;

export function useJump(sessionId: string, messages: readonly PathMessageView[], pages: Pages): void {
  const queries = useQueryClient();
  const textOf = useErrorText();
  const { show } = useNotices();
  const [params, setParams] = useSearchParams();
  const wanted = params.get(NAME);
  const asked = useRef<string | null>(null); // whose branch has been asked for

  const arrive = () => setParams({}, { replace: true });
  const showBranch = async (messageId: string) => {
    asked.current = messageId;
    try {
      const path = { session_id: sessionId };
      await call("POST /api/sessions/{session_id}/head", { path, body: { message_id: messageId } });
      await queries.invalidateQueries({ queryKey: keys.messages(sessionId) });
    } catch (error) {
      show({ text: textOf(error) });
      arrive();
    }
  };
  const step = useEffectEvent((messageId: string) => {
    if (messages.some((message) => message.message_id === messageId)) {
      reveal(messageId);
      arrive();
    } else if (pages.hasNextPage) pages.fetchNextPage();
    else if (asked.current !== messageId) showBranch(messageId);
    else arrive(); // it went away meanwhile
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: each page that has come may hold it
  useEffect(() => {
    if (wanted && !pages.isFetching) step(wanted);
  }, [wanted, messages, pages.isFetching]);
}

function reveal(messageId: string): void {
  const element = document.getElementById(elementIdOf(messageId));
  if (!element) return;
  element.scrollIntoView({ block: "center" });
  element.focus({ preventScroll: true });
  element.animate([{ backgroundColor: "var(--mui-palette-action-selected)" }, {}], SHOWN_FOR_MS);
  // What comes into sight is not as tall as was thought.
  requestAnimationFrame(() => element.scrollIntoView({ block: "center" }));
}
