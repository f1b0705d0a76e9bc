/**
 * Goes to the message that the address names (`?message=…`), on whatever branch it is, and marks in it what a search was
 * for. The address stays: it can be copied, and a page that is loaded anew goes there again.
 */
import { type UseInfiniteQueryResult, useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useRef } from "react";
import { useLocation, useSearchParams } from "react-router";
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
  const { key, state } = useLocation();
  const visit = `${key} ${wanted}`; // who follows a link again wants to go there again
  const arrived = useRef<string | null>(null); // the visit that is over
  const asked = useRef<string | null>(null); // the visit whose branch has been asked for
  useEffect(() => () => mark(null, []), []);

  const giveUp = () => setParams({}, { replace: true });
  const showBranch = async (messageId: string) => {
    asked.current = visit;
    try {
      const path = { session_id: sessionId };
      await call("POST /api/sessions/{session_id}/head", { path, body: { message_id: messageId } });
      await queries.invalidateQueries({ queryKey: keys.messages(sessionId) });
    } catch (error) {
      show({ text: textOf(error) });
      giveUp();
    }
  };
  const step = useEffectEvent((messageId: string) => {
    if (messages.some((message) => message.message_id === messageId)) {
      arrived.current = visit;
      reveal(messageId, wordsIn(state));
    } else if (pages.hasNextPage) pages.fetchNextPage();
    else if (asked.current !== visit) showBranch(messageId);
    else giveUp(); // it went away meanwhile
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: each page that has come may hold it
  useEffect(() => {
    if (wanted && arrived.current !== visit && !pages.isFetching) step(wanted);
  }, [visit, messages, pages.isFetching]);
}

/** What a link of the search brings with it. */
function wordsIn(state: unknown): readonly string[] {
  const words = (state as { words?: unknown } | null)?.words;
  return Array.isArray(words) ? words.filter((word) => typeof word === "string") : [];
}

function reveal(messageId: string, words: readonly string[]): void {
  const element = document.getElementById(elementIdOf(messageId));
  if (!element) return;
  mark(element, words);
  element.scrollIntoView({ block: "center" });
  element.focus({ preventScroll: true });
  element.animate([{ backgroundColor: "var(--mui-palette-action-selected)" }, {}], SHOWN_FOR_MS);
  // What comes into sight is not as tall as was thought.
  requestAnimationFrame(() => element.scrollIntoView({ block: "center" }));
}

/** Comes with the first search that leads here. null: nothing is marked any more. */
function mark(element: HTMLElement | null, words: readonly string[]): void {
  if (typeof Highlight === "undefined" || (words.length === 0 && CSS.highlights.size === 0)) return;
  import("@/lib/marked-words").then(
    ({ markWords }) => markWords(element, words),
    () => undefined, // the text is there without
  );
}
