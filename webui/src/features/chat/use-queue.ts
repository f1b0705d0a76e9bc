/** Messages of a chat that wait until the answer that is being written has ended: each is sent below the one before. */
import { useEffect } from "react";
import type { PathMessageView } from "@/api/types.gen";
import { usePending } from "./pending";
import type { MessageQueue } from "./writing/queued-list";

/** An answer that came to nothing: who wrote on meanwhile may not want that any more. */
const HELD_AFTER = new Set(["failed", "interrupted"]);

interface SessionQueue extends MessageQueue {
  /** Of a message that is written now: what it waits for; undefined: for nothing. */
  after: string | null | undefined;
}

/** `isFresh`: the thread is as the server has it now. */
export function useQueue(sessionId: string, messages: readonly PathMessageView[], isFresh: boolean): SessionQueue {
  const pending = usePending();
  const mine = pending.messages.filter((message) => message.sessionId === sessionId);
  const queued = mine.filter((message) => message.after !== undefined);
  const onTheirWay = mine.filter((message) => message.after === undefined && message.error === null);
  const [first] = queued;
  const last = messages.at(-1);
  const isRunning = messages.some((message) => message.status === "running");
  const isFree = isFresh && !isRunning && onTheirWay.length === 0;
  const isInThread = (id: string) => messages.some((message) => message.client_message_id === id);
  const isDue = isFree && !HELD_AFTER.has(last?.status ?? "") && (!first?.after || isInThread(first.after));
  const release = () => first && pending.release(first.clientMessageId, last?.message_id);
  useEffect(() => {
    if (isDue) release(); // a second tab that does so too says the same: it is written once
  });
  const before = queued.at(-1) ?? onTheirWay.at(-1);
  return {
    messages: queued.map(({ clientMessageId: id, content }) => ({ id, content })),
    change: pending.rewrite,
    remove: pending.remove,
    sendFirst: first && isFree && !isDue ? release : undefined,
    after: before?.clientMessageId ?? (isRunning ? null : undefined),
  };
}
