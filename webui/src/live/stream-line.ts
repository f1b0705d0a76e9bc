/**
 * The second way: what a socket tells, read as server-sent events, and what is said to it, sent as requests. It looks like
 * a WebSocket to who owns it, so that a line can change from one to the other. Knows frames, not what they mean.
 *
 * Commands are sent one after the other, as the socket obeys them; those that were sent go on when this is closed.
 */
import { eventsOf } from "@/lib/event-stream";
import { parseFrame, type SaidFrame } from "./protocol";

/** What a line needs of a WebSocket. */
export interface Wire {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send: (text: string) => void;
  close: () => void;
}

/** Without an answer of ours: come back. */
const BROKEN = 1006;
const LATER = 1013;
/** The close codes that our refusals stand for. */
const CODES: Record<number, number> = { 400: 4400, 401: 4401, 403: 4403, 404: 4404, 429: 4429 };
/** Over HTTP they are a query, a cookie, and nothing. */
const OF_THE_CONNECTION = new Set<SaidFrame["type"]>(["auth", "hello", "ping", "pong"]);
/** Obeyed at once, whatever waits. */
const AT_ONCE = new Set<SaidFrame["type"]>(["stop", "typing"]);

export class StreamLine implements Wire {
  onopen: Wire["onopen"] = null;
  onmessage: Wire["onmessage"] = null;
  onclose: Wire["onclose"] = null;
  readonly #url: string;
  readonly #reading = new AbortController();
  #lastSent: Promise<void> = Promise.resolve();
  #numUnanswered = 0;

  /** `last`: of each answer the last number seen. */
  constructor(url: string, last: Record<string, number>) {
    this.#url = url;
    const seen = Object.entries(last).map(([generationId, seq]) => [`last[${generationId}]`, String(seq)]);
    const query = new URLSearchParams(seen).toString();
    void this.#read(query ? `${url}?${query}` : url);
  }

  /** A command is on its way: whether it was taken is not known yet. */
  get isBusy(): boolean {
    return this.#numUnanswered > 0;
  }

  send(text: string): void {
    const frame = JSON.parse(text) as SaidFrame;
    if (OF_THE_CONNECTION.has(frame.type)) return;
    this.#numUnanswered += 1;
    if (AT_ONCE.has(frame.type)) void this.#post(frame);
    else this.#lastSent = this.#lastSent.then(() => this.#post(frame));
  }

  close(): void {
    this.#reading.abort();
  }

  async #read(url: string): Promise<void> {
    const code = await this.#codeAfter(url).catch(() => BROKEN);
    if (!this.#reading.signal.aborted) this.onclose?.({ code });
  }

  /** Why it ended. */
  async #codeAfter(url: string): Promise<number> {
    const headers = { accept: "text/event-stream" };
    const { signal } = this.#reading;
    const answer = await fetch(url, { credentials: "same-origin", cache: "no-store", headers, signal });
    if (!answer.ok) return isOurs(answer) ? (CODES[answer.status] ?? LATER) : BROKEN;
    let hasBegun = false;
    for await (const data of eventsOf(answer)) {
      if (signal.aborted) break;
      if (!hasBegun) this.onopen?.();
      hasBegun = true;
      const frame = parseFrame(data);
      if (frame?.type === "close") return frame.code;
      this.onmessage?.({ data });
    }
    return BROKEN;
  }

  async #post(frame: SaidFrame): Promise<void> {
    const reply = await this.#replyTo(frame).catch(() => null);
    this.#numUnanswered -= 1;
    if (reply === null)
      this.onclose?.({ code: BROKEN }); // whether it was taken nobody knows: the owner asks again
    else if (typeof reply === "number") this.onclose?.({ code: reply });
    else if (reply.type) this.onmessage?.({ data: JSON.stringify(reply) });
  }

  /** A frame, {}, a close code, or null: no answer of ours. Rejects where none comes. */
  async #replyTo(frame: SaidFrame): Promise<{ type?: string } | number | null> {
    const headers = { accept: "application/json", "content-type": "application/json" };
    const init: RequestInit = { method: "POST", credentials: "same-origin", headers, body: JSON.stringify(frame) };
    const answer = await fetch(this.#url, init);
    if (!isOurs(answer)) return null;
    const content = await answer.json();
    if (answer.ok) return content;
    if (answer.status === 401) return CODES[401] ?? null;
    return {
      type: "error",
      error: content.error,
      answers: frame.type,
      client_message_id: "client_message_id" in frame ? frame.client_message_id : null,
      retry_after_s: Number(answer.headers.get("retry-after")) || null,
    } as { type: string };
  }
}

/** Not of something in between, whose refusals say nothing about the chat. */
function isOurs(answer: Response): boolean {
  return answer.headers.get("content-type")?.startsWith("application/json") ?? false;
}
