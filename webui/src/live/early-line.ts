/**
 * A chat's live line, opened before the code of the chat's page has come: while the browser reads that and draws for the
 * first time, the server already says what is being written. Kept for whoever shows the chat, for a moment.
 */
import { sessionIdIn } from "@/lib/chat-path";
import type { HeardFrame, SaidFrame } from "./protocol";
import { LiveSocket, type SocketOptions } from "./socket";

type Listener = Required<Pick<SocketOptions, "hello" | "onFrame" | "onState">>;

const KEPT_MS = 10_000;
const HELLO: SaidFrame = { type: "hello", last: {} }; // nothing has been heard yet

let early: { sessionId: string; line: LiveSocket; heard: HeardFrame[]; timer: ReturnType<typeof setTimeout> } | null =
  null;

/** The line of the chat that the address names, if it names one. */
export function openEarlyLine(pathname: string): void {
  const sessionId = sessionIdIn(pathname);
  if (!sessionId || early) return;
  const heard: HeardFrame[] = [];
  const line = openLine(sessionId, { hello: () => HELLO, onFrame: (frame) => heard.push(frame) });
  early = { sessionId, line, heard, timer: setTimeout(dropEarlyLine, KEPT_MS) };
}

/** The chat's line: the early one with all that it has heard, else a new one. */
export function lineOf(sessionId: string, listener: Listener): LiveSocket {
  if (early?.sessionId !== sessionId) return openLine(sessionId, listener);
  const { line, heard, timer } = early;
  early = null;
  clearTimeout(timer);
  line.handOver(listener);
  for (const frame of heard) listener.onFrame(frame);
  return line;
}

function openLine(sessionId: string, options: Omit<SocketOptions, "path">): LiveSocket {
  return new LiveSocket({ path: `/chat/${sessionId}`, ...options });
}

/** Nobody came for it. */
function dropEarlyLine(): void {
  early?.line.close();
  early = null;
}
