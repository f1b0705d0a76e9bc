/** A chat that lives in this page alone: nothing of it is sent to be kept, and nothing is kept in the browser. */
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/errors";
import { type ChatTurn, streamChat } from "@/api/stream-chat";
import { inFrame } from "@/lib/frame";
import { useLineBack } from "@/live/use-line-back";
import { useErrorText } from "@/ui/use-error-text";
import { newId } from "../pending";
import type { MessageQueue, QueuedMessage } from "../writing/queued-list";

export interface TemporaryChat {
  turns: readonly ChatTurn[];
  isAnswering: boolean;
  /** Why the last answer is not all there. */
  problem: string | null;
  /** What was said while an answer was being written. */
  queue: MessageQueue;
  /** At once, or when the answer that is being written has ended. */
  say: (content: string) => void;
  /** The last answer once more. */
  again: () => void;
  stop: () => void;
}

export function useTemporaryChat(model: string | null): TemporaryChat {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const [turns, setTurns] = useState<readonly ChatTurn[]>([]);
  const [isAnswering, setAnswering] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [waiting, setWaiting] = useState<readonly QueuedMessage[]>([]);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const answer = async (messages: readonly ChatTurn[]) => {
    const control = new AbortController();
    running.current = control;
    const drawing = new Drawing((content) => setTurns([...messages, { role: "assistant", content }]));
    setTurns(messages);
    setError(null);
    setAnswering(true);
    try {
      for await (const piece of streamChat({ messages, model, signal: control.signal })) drawing.add(piece);
    } catch (reason) {
      if (!control.signal.aborted) setError(reason ?? true);
    } finally {
      drawing.end();
      setAnswering(false);
    }
  };
  const again = () => answer(turns.slice(0, turns.findLastIndex((turn) => turn.role === "user") + 1));
  const sendFirst = () => {
    const [first, ...rest] = waiting;
    if (!first) return;
    setWaiting(rest);
    answer([...turns, { role: "user", content: first.content }]);
  };
  const isDue = !isAnswering && error === null && waiting.length > 0;
  useEffect(() => {
    if (isDue) sendFirst();
  });
  // The page has said that it would be sent when the server is back.
  useLineBack(() => error instanceof ApiError && error.isOffline && turns.at(-1)?.role === "user" && again());
  return {
    turns,
    isAnswering,
    problem: error === null ? null : problemOf(error),
    queue: {
      messages: waiting,
      change: (id, content) => setWaiting(waiting.map((each) => (each.id === id ? { id, content } : each))),
      remove: (id) => setWaiting(waiting.filter((each) => each.id !== id)),
      sendFirst: isAnswering ? undefined : sendFirst,
    },
    say: (content) => {
      if (isAnswering || waiting.length > 0) setWaiting([...waiting, { id: newId(), content }]);
      else answer([...turns, { role: "user", content }]);
    },
    again,
    stop: () => running.current?.abort(),
  };

  function problemOf(reason: unknown): string {
    if (!(reason instanceof ApiError)) return String(reason);
    return reason.code === "context_length_exceeded" && turns.length > 1 ? t("temporary.tooLong") : textOf(reason);
  }
}

/** Text that grows faster than a screen is drawn: shown at most once per frame. */
class Drawing {
  readonly #draw: (text: string) => void;
  #text = "";
  #isWaiting = false;
  #hasEnded = false;

  constructor(draw: (text: string) => void) {
    this.#draw = draw;
  }

  add(piece: string): void {
    this.#text += piece;
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    inFrame(() => {
      this.#isWaiting = false;
      if (!this.#hasEnded) this.#draw(this.#text);
    });
  }

  end(): void {
    this.#hasEnded = true;
    if (this.#text) this.#draw(this.#text);
  }
}
