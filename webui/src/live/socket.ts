/**
 * One live line to the server, opened again whenever it breaks: at once when the network comes back, else after waits
 * that grow and vary, so that a thousand pages do not come back in the same second. Knows frames, not what they mean.
 *
 * There are two ways, a WebSocket and, where none gets through, HTTP. While it is on the second it tries the first now and
 * then and changes over in the middle of an answer: both know the same numbers, so nothing is lost or said twice.
 */
import { addressOf } from "@/lib/place";
import { Outbox } from "./outbox";
import { type Ending, endingOf, type HeardFrame, parseFrame, type SaidFrame, shortestWaitMs } from "./protocol";
import { StreamLine, type Wire } from "./stream-line";

export type Way = "socket" | "stream";

export type LineState =
  | { name: "connecting" }
  | { name: "open"; way: Way }
  | { name: "waiting"; triesAgainAtMs: number }
  | { name: "ended"; why: Ending };

export interface SocketOptions {
  /** "/events" or "/chat/{session_id}". */
  path: string;
  /** What is said first on each new line. */
  hello?: () => SaidFrame;
  onFrame: (frame: HeardFrame) => void;
  onState?: (state: LineState) => void;
  /** For tests. */
  makeSocket?: (url: string) => Wire;
  makeStream?: (url: string, last: Record<string, number>) => Wire & { readonly isBusy: boolean };
  random?: () => number;
}

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 20_000;
/** The server says hello at once: a line that is silent this long after it was asked for does not get through. */
const FIRST_WORD_MS = 10_000;
/** The server says "ping" every 20 s; who hears nothing for two of them and a bit has no line. */
const SILENCE_MS = 45_000;
/** After the page slept, or the network changed: the line says something this soon or is dead. */
const PROBE_MS = 4_000;
/** A line that held this long was good: the next waits begin small again. */
const STEADY_MS = 10_000;
/** Sockets that were cut, one after the other, before the second way is tried; one if none was ever heard. */
const MAX_CUT = 3;
/** Between tries of the first way while the second is used; they double. */
const FIRST_TRY_MS = 1_500;
const LONGEST_TRY_MS = 60_000;
/** A page that nobody sees gives back the connection that its stream holds, where there are few. */
const REST_AFTER_MS = 5_000;
const CUT = 1006;
const KEPT_AS = "bdchat.way";

export class LiveSocket {
  #options: SocketOptions;
  readonly #outbox = new Outbox();
  #state: LineState = { name: "connecting" };
  #wire: Wire | null = null;
  #way: Way = wayOfBefore();
  #stream: { readonly isBusy: boolean } | null = null;
  #hasHeard = false;
  #hasHeardSocket = false;
  #numCut = 0;
  #numFailures = 0;
  #openedAtMs = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  /** The first way, while it is tried beside the second. */
  #tried: Wire | null = null;
  #nextTry: ReturnType<typeof setTimeout> | undefined;
  #tryWaitMs = FIRST_TRY_MS;
  #rest: ReturnType<typeof setTimeout> | undefined;

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
    if (this.#state.name !== "open" || !this.#wire) {
      this.#outbox.put(frame);
      return;
    }
    this.#wire.send(JSON.stringify(frame));
    this.#outbox.sent(frame);
  }

  /** A new line, now: this one has lost something. */
  reconnect(): void {
    if (this.#state.name === "ended") return;
    this.#drop();
    this.#connect();
  }

  close(): void {
    clearTimeout(this.#rest);
    window.removeEventListener("online", this.#wake);
    window.removeEventListener("offline", this.#wake);
    document.removeEventListener("visibilitychange", this.#wake);
    this.#drop();
    this.#change({ name: "ended", why: "closed" });
  }

  // --- the line -------------------------------------------------------------------------------------------------------

  /** By the way that got through last; where none did, by each in turn. */
  #connect(): void {
    clearTimeout(this.#retry);
    this.#change({ name: "connecting" });
    if (this.#way === "stream") {
      const hello = this.#options.hello?.();
      this.#adopt(this.#makeStream(hello?.type === "hello" ? (hello.last ?? {}) : {}));
    } else this.#adopt(this.#makeSocket());
    this.#hasHeard = false;
    this.#expectWithin(FIRST_WORD_MS);
  }

  #adopt(wire: Wire): void {
    this.#wire = wire;
    wire.onopen = () => this.#opened();
    wire.onmessage = (event) => this.#heard(event.data);
    wire.onclose = (event) => this.#closed(event.code);
  }

  #makeSocket(): Wire {
    const url = socketUrl(this.#options.path);
    return (this.#options.makeSocket ?? ((of) => new WebSocket(of) as Wire))(url);
  }

  #makeStream(last: Record<string, number>): Wire & { readonly isBusy: boolean } {
    const stream = (this.#options.makeStream ?? ((...of) => new StreamLine(...of)))(
      streamUrl(this.#options.path),
      last,
    );
    this.#stream = stream;
    return stream;
  }

  #opened(): void {
    this.#openedAtMs = Date.now();
    this.#change({ name: "open", way: this.#way });
    const hello = this.#options.hello?.();
    if (hello) this.send(hello);
    for (const frame of this.#outbox.takeAll()) this.send(frame);
    if (this.#way === "stream") {
      this.#tryLater(this.#tryWaitMs);
      this.#restIfUnseen();
    }
  }

  #heard(data: unknown): void {
    if (!this.#hasHeard) remember(this.#way);
    this.#hasHeard = true;
    if (this.#way === "socket") this.#hasHeardSocket = true;
    this.#expectWithin(SILENCE_MS);
    const frame = parseFrame(data);
    if (!frame) return;
    if (frame.type === "ping") this.send({ type: "pong" });
    this.#outbox.heard(frame);
    this.#options.onFrame(frame);
  }

  #closed(code: number): void {
    const hasHeard = this.#hasHeard;
    const wasSteady = hasHeard && Date.now() - this.#openedAtMs >= STEADY_MS;
    this.#drop();
    const why = endingOf(code);
    if (why) {
      this.#change({ name: "ended", why });
      return;
    }
    this.#chooseWay(code, { wasSteady, hasHeard });
    this.#numFailures = wasSteady ? 0 : this.#numFailures + 1;
    const most = Math.min(FIRST_WAIT_MS * 2 ** this.#numFailures, LONGEST_WAIT_MS);
    const waitMs = Math.max(most * (0.5 + 0.5 * (this.#options.random ?? Math.random)()), shortestWaitMs(code));
    this.#change({ name: "waiting", triesAgainAtMs: Date.now() + waitMs });
    this.#retry = setTimeout(() => this.#connect(), waitMs);
  }

  /** A socket that the server closed itself got through; so did a stream that said something. */
  #chooseWay(code: number, { wasSteady, hasHeard }: { wasSteady: boolean; hasHeard: boolean }): void {
    if (this.#way === "stream") {
      if (!hasHeard) this.#way = "socket";
      return;
    }
    if (wasSteady || code !== CUT) {
      this.#numCut = 0;
      this.#tryWaitMs = FIRST_TRY_MS;
      return;
    }
    this.#numCut += 1;
    if (this.#numCut < (this.#hasHeardSocket ? MAX_CUT : 1)) return;
    this.#numCut = 0;
    this.#way = "stream";
  }

  /** The page is seen again or not any more, or the network came or went. */
  #wake = (event: Event): void => {
    clearTimeout(this.#rest);
    const isOnStream = this.#state.name === "open" && this.#way === "stream";
    if (document.visibilityState === "hidden") {
      if (isOnStream) this.#restIfUnseen();
    } else if (this.#state.name === "waiting") {
      this.#numFailures = 0;
      this.#connect();
    } else if (isOnStream) {
      if (event.type === "online") this.reconnect(); // a stream cannot be asked whether it lives
    } else if (this.#state.name === "open") {
      this.send({ type: "ping" });
      this.#expectWithin(PROBE_MS);
    }
  };

  #restIfUnseen(): void {
    if (document.visibilityState !== "hidden" || !hasFewConnections()) return;
    this.#rest = setTimeout(() => {
      if (this.#way !== "stream") return;
      this.#drop();
      this.#change({ name: "waiting", triesAgainAtMs: Number.POSITIVE_INFINITY });
    }, REST_AFTER_MS);
  }

  // --- back to the first way ------------------------------------------------------------------------------------------

  #tryLater(waitMs: number): void {
    clearTimeout(this.#nextTry);
    this.#nextTry = setTimeout(() => this.#try(), waitMs);
  }

  /** Opens a socket beside the stream: its first word says that sockets get through. */
  #try(): void {
    const socket = this.#makeSocket();
    this.#tried = socket;
    this.#tryWaitMs = Math.min(this.#tryWaitMs * 2, LONGEST_TRY_MS);
    const giveUp = (waitMs = this.#tryWaitMs) => {
      this.#dropTried();
      this.#tryLater(waitMs);
    };
    socket.onclose = () => giveUp();
    socket.onmessage = (event) => {
      if (this.#stream?.isBusy)
        giveUp(FIRST_TRY_MS); // what is on its way must not be overtaken
      else this.#changeOver(socket, event.data);
    };
    this.#nextTry = setTimeout(giveUp, FIRST_WORD_MS);
  }

  #changeOver(socket: Wire, firstWord: unknown): void {
    this.#tried = null;
    this.#drop();
    this.#way = "socket";
    this.#hasHeard = false;
    this.#adopt(socket);
    this.#opened();
    this.#heard(firstWord);
  }

  #dropTried(): void {
    clearTimeout(this.#nextTry);
    const tried = this.#tried;
    this.#tried = null;
    if (tried) hangUp(tried);
  }

  // ---------------------------------------------------------------------------------------------------------------------

  /** Without a sign for `ms` the line is dead, whatever the browser thinks. */
  #expectWithin(ms: number): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#closed(CUT), ms);
  }

  #drop(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#dropTried();
    const wire = this.#wire;
    this.#wire = null;
    this.#stream = null;
    if (wire) hangUp(wire);
  }

  #change(state: LineState): void {
    this.#state = state;
    this.#options.onState?.(state);
  }
}

function hangUp(wire: Wire): void {
  wire.onopen = null;
  wire.onmessage = null;
  wire.onclose = null;
  wire.close();
}

/** "ws://this.server/ws/…" of a path. */
export function socketUrl(path: string, origin: string = location.origin): string {
  return `${origin.replace(/^http/, "ws")}${addressOf(`/ws${path}`)}`;
}

export function streamUrl(path: string): string {
  return addressOf(`/api/live${path}`);
}

/** What got through last in this tab: the next line, and the page when it is loaded anew, begin with it. */
function wayOfBefore(): Way {
  try {
    return sessionStorage.getItem(KEPT_AS) === "stream" ? "stream" : "socket";
  } catch {
    return "socket"; // the browser's store is forbidden
  }
}

function remember(way: Way): void {
  try {
    if (way === "stream") sessionStorage.setItem(KEPT_AS, way);
    else sessionStorage.removeItem(KEPT_AS);
  } catch {
    // The next line finds out by itself.
  }
}

/** Six to a host of HTTP/1.1, over all its tabs; with later versions as many as one likes. */
function hasFewConnections(): boolean {
  const [loading] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return !/^h[23]/.test(loading?.nextHopProtocol ?? "");
}
