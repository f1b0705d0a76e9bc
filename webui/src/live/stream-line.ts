/**
 * The second way: what a socket tells, read as server-sent events, and what is said to it, sent as requests. It looks like
 * a WebSocket to who owns it, so that a line can change from one to the other. Knows frames, not what they mean.
 *
 * Commands are sent one after the other, as the socket obeys them; those that were sent go on when this is closed.
 * A browser has few connections to a host, so a page's two lines share one stream: while a chat's has one, it brings what
 * happens outside chats too, and the line of that has none of its own.
 */
import { eventsOf } from "@/lib/event-stream";
import { type HeardFrame, type HeardOf, parseFrame, type SaidFrame } from "./protocol";

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

/** What the line of events is told of what a chat's stream brings. */
const OF_EVENTS = new Set<HeardFrame["type"]>(["session", "notification", "resync", "ping"]);
const EVENTS_END = "/events";

/** The lines of this page that are on their second way, by what they are for. */
const lines: { chat: StreamLine | null; events: StreamLine | null } = { chat: null, events: null };

export class StreamLine implements Wire {
  onopen: Wire["onopen"] = null;
  onmessage: Wire["onmessage"] = null;
  onclose: Wire["onclose"] = null;
  readonly #url: string;
  readonly #what: keyof typeof lines;
  #reading: AbortController | null = null;
  #isClosed = false;
  #hasBegun = false;
  #welcome = "";
  #lastSent: Promise<void> = Promise.resolve();
  #numUnanswered = 0;

  /** `last`: of each answer the last number seen. */
  constructor(url: string, last: Record<string, number>) {
    this.#url = url;
    this.#what = url.endsWith(EVENTS_END) ? "events" : "chat";
    lines[this.#what] = this;
    const seen = Object.entries(last).map(([generationId, seq]) => [`last[${generationId}]`, String(seq)]);
    if (this.#what === "chat") void this.#read(`${url}?${new URLSearchParams([["events", "true"], ...seen])}`);
    else if (lines.chat?.hasBegun) queueMicrotask(() => lines.chat && this.#rideOn(lines.chat));
    else void this.#read(url);
  }

  /** A command is on its way: whether it was taken is not known yet. */
  get isBusy(): boolean {
    return this.#numUnanswered > 0;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  send(text: string): void {
    const frame = JSON.parse(text) as SaidFrame;
    if (OF_THE_CONNECTION.has(frame.type)) return;
    this.#numUnanswered += 1;
    if (AT_ONCE.has(frame.type)) void this.#post(frame);
    else this.#lastSent = this.#lastSent.then(() => this.#post(frame));
  }

  close(): void {
    this.#isClosed = true;
    this.#reading?.abort();
    this.#leave();
  }

  /** The line of events goes on by itself. */
  #leave(): void {
    if (lines[this.#what] !== this) return;
    lines[this.#what] = null;
    const { events } = lines;
    if (this.#what === "chat" && events && !events.#reading) void events.#read(events.#url);
  }

  async #read(url: string): Promise<void> {
    const reading = new AbortController();
    this.#reading = reading;
    const code = await this.#codeAfter(url, reading.signal).catch(() => BROKEN);
    if (reading.signal.aborted) return;
    this.#leave();
    this.onclose?.({ code });
  }

  /** Why it ended. */
  async #codeAfter(url: string, signal: AbortSignal): Promise<number> {
    const headers = { accept: "text/event-stream" };
    const answer = await fetch(url, { credentials: "same-origin", cache: "no-store", headers, signal });
    if (!answer.ok) return isOurs(answer) ? (CODES[answer.status] ?? LATER) : BROKEN;
    for await (const data of eventsOf(answer)) {
      if (signal.aborted) break;
      const frame = parseFrame(data);
      if (frame?.type === "close") return frame.code;
      if (frame) this.#tell(frame, data);
    }
    return BROKEN;
  }

  #tell(frame: HeardFrame, data: string): void {
    const isFirst = !this.#hasBegun;
    if (isFirst) this.#welcome = data;
    const isOfChat = frame.type !== "notification" && (frame.type !== "session" || this.#isOfThis(frame));
    if (this.#what === "events" || isOfChat) this.#pass(data);
    const { chat, events } = lines;
    if (chat !== this || !events) return;
    if (isFirst || events.#reading) events.#rideOn(this);
    if (OF_EVENTS.has(frame.type)) events.#pass(data);
  }

  /** Of our own session, or of many: the list is read again. */
  #isOfThis({ session_id: sessionId }: HeardOf<"session">): boolean {
    return !sessionId || this.#url.endsWith(`/${sessionId}`);
  }

  /** From here on `chat` brings what this tells; it begins with a welcome, as any line. */
  #rideOn(chat: StreamLine): void {
    if (this.#isClosed) return;
    this.#reading?.abort();
    this.#reading = null;
    this.#pass(chat.#welcome);
  }

  #pass(data: string): void {
    if (!this.#hasBegun) this.onopen?.();
    this.#hasBegun = true;
    this.onmessage?.({ data });
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
