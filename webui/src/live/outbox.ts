/**
 * What was said and has not arrived: frames that wait for a line, and messages that were sent but not accepted. Pure.
 *
 * A message has an id of the client's own, so sending it twice writes it once: it is kept until the server has taken or
 * refused it. What has no such id (regenerate, continue) is sent once: whether a lost one arrived, the chat itself tells.
 */
import type { HeardFrame, SaidFrame } from "./protocol";

/** Signs of the moment: worth nothing later. */
const PASSING = new Set<SaidFrame["type"]>(["typing", "ping", "pong", "hello"]);

export class Outbox {
  #waiting: SaidFrame[] = [];
  readonly #unanswered = new Map<string, SaidFrame>();

  get numWaiting(): number {
    return this.#waiting.length;
  }

  /** `frame` was sent on a line. */
  sent(frame: SaidFrame): void {
    const id = idOf(frame);
    if (id) this.#unanswered.set(id, frame);
  }

  /** `frame` found no line. */
  put(frame: SaidFrame): void {
    if (!PASSING.has(frame.type)) this.#waiting.push(frame);
  }

  heard(frame: HeardFrame): void {
    if ((frame.type === "accepted" || frame.type === "error") && frame.client_message_id) {
      this.#unanswered.delete(frame.client_message_id);
    }
  }

  /** For a new line: first what may have been lost, then what has waited. */
  takeAll(): SaidFrame[] {
    const all = [...this.#unanswered.values(), ...this.#waiting];
    this.#unanswered.clear();
    this.#waiting = [];
    return all;
  }
}

function idOf(frame: SaidFrame): string | null {
  return "client_message_id" in frame ? (frame.client_message_id ?? null) : null;
}
