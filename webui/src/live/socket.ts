/**
 * One live line to the server, opened again whenever it breaks: at once when the network comes back, else after waits
 * that grow and vary, so that a thousand pages do not come back in the same second. Knows frames, not what they mean.
 */
import { addressOf } from "@/lib/place";
import { Outbox } from "./outbox";
import { type Ending, endingOf, type HeardFrame, parseFrame, type SaidFrame, shortestWaitMs } from "./protocol";

export type LineState =
  | { name: "connecting" }
  | { name: "open" }
  | { name: "waiting"; triesAgainAtMs: number }
  | { name: "ended"; why: Ending };

export interface SocketOptions {
  url: string;
  /** What is said first on each new line. */
  hello?: () => SaidFrame;
  onFrame: (frame: HeardFrame) => void;
  onState?: (state: LineState) => void;
  /** For tests. */
  makeSocket?: (url: string) => WebSocket;
  random?: () => number;
}

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 20_000;
/** The server says "ping" every 20 s; who hears nothing for two of them and a bit has no line. */
const SILENCE_MS = 45_000;
/** After the page slept, or the network changed: the line says something this soon or is dead. */
const PROBE_MS = 4_000;
/** A line that held this long was good: the next waits begin small again. */
const STEADY_MS = 10_000;

export class LiveSocket {
  #options: SocketOptions;
  readonly #outbox = new Outbox();
  #state: LineState = { name: "connecting" };
  #socket: WebSocket | null = null;
  #numFailures = 0;
  #openedAtMs = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SocketOptions) {
    this.#options = options;
    window.addEventListener("online", this.#wake);
    window.addEventListener("offline", this.#wake); // of the network: a server on this machine is still there
    document.addEventListener("visibilitychange", this.#wake);
    this.#connect();
  }

  get state(): LineState {
    return this.#state;
  }

  /** Its frames, and what becomes of it, are told to somebody else from now on; its state at once. */
  handOver(options: Pick<SocketOptions, "hello" | "onFrame" | "onState">): void {
    this.#options = { ...this.#options, ...options };
    options.onState?.(this.#state);
  }

  /** Frames that wait for a line. */
  get numWaiting(): number {
    return this.#outbox.numWaiting;
  }

  /** Sends now, or when there is a line again. */
  send(frame: SaidFrame): void {
    if (this.#state.name !== "open" || !this.#socket) {
      this.#outbox.put(frame);
      return;
    }
    this.#socket.send(JSON.stringify(frame));
    this.#outbox.sent(frame);
  }

  /** A new line, now: this one has lost something. */
  reconnect(): void {
    if (this.#state.name === "ended") return;
    this.#drop();
    this.#connect();
  }

  close(): void {
    window.removeEventListener("online", this.#wake);
    window.removeEventListener("offline", this.#wake);
    document.removeEventListener("visibilitychange", this.#wake);
    this.#drop();
    this.#change({ name: "ended", why: "closed" });
  }

  // --- the line -------------------------------------------------------------------------------------------------------

  #connect(): void {
    clearTimeout(this.#retry);
    this.#change({ name: "connecting" });
    const socket = (this.#options.makeSocket ?? ((url) => new WebSocket(url)))(this.#options.url);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#heard(event.data);
    socket.onclose = (event) => this.#closed(event.code);
    this.#expectWithin(SILENCE_MS);
  }

  #opened(): void {
    this.#openedAtMs = Date.now();
    this.#change({ name: "open" });
    this.#expectWithin(SILENCE_MS);
    const hello = this.#options.hello?.();
    if (hello) this.send(hello);
    for (const frame of this.#outbox.takeAll()) this.send(frame);
  }

  #heard(data: unknown): void {
    this.#expectWithin(SILENCE_MS);
    const frame = parseFrame(data);
    if (!frame) return;
    if (frame.type === "ping") this.send({ type: "pong" });
    this.#outbox.heard(frame);
    this.#options.onFrame(frame);
  }

  #closed(code: number): void {
    const wasSteady = this.#state.name === "open" && Date.now() - this.#openedAtMs >= STEADY_MS;
    this.#drop();
    const why = endingOf(code);
    if (why) {
      this.#change({ name: "ended", why });
      return;
    }
    this.#numFailures = wasSteady ? 0 : this.#numFailures + 1;
    const most = Math.min(FIRST_WAIT_MS * 2 ** this.#numFailures, LONGEST_WAIT_MS);
    const waitMs = Math.max(most * (0.5 + 0.5 * (this.#options.random ?? Math.random)()), shortestWaitMs(code));
    this.#change({ name: "waiting", triesAgainAtMs: Date.now() + waitMs });
    this.#retry = setTimeout(() => this.#connect(), waitMs);
  }

  /** The page is seen again, or the network came or went. */
  #wake = (): void => {
    if (document.visibilityState === "hidden") return;
    if (this.#state.name === "waiting") {
      this.#numFailures = 0;
      this.#connect();
    } else if (this.#state.name === "open") {
      this.send({ type: "ping" });
      this.#expectWithin(PROBE_MS);
    }
  };

  /** Without a sign for `ms` the line is dead, whatever the browser thinks. */
  #expectWithin(ms: number): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#closed(1006), ms);
  }

  #drop(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  #change(state: LineState): void {
    this.#state = state;
    this.#options.onState?.(state);
  }
}

/** "ws://this.server/ws/…" of a path. */
export function liveUrl(path: string, origin: string = location.origin): string {
  return `${origin.replace(/^http/, "ws")}${addressOf(path)}`;
}
