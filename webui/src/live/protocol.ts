/** The frames of the live sockets as the page reads and writes them. Pure. Their types are the server's own. */
import type { HeardFrame, SaidFrame } from "./frames.gen";

export type { HeardFrame, SaidFrame };

export type HeardOf<Type extends HeardFrame["type"]> = Extract<HeardFrame, { type: Type }>;

/** Frames of one answer that are numbered: they come once, in order. */
export type AnswerFrame = HeardOf<"ai_start"> | HeardOf<"ai_chunk"> | HeardOf<"ai_reset"> | HeardOf<"ai_complete">;

/** What is said of an answer before its first word; the latest counts. */
export type ProgressFrame = HeardOf<"queue"> | HeardOf<"prefill">;

export function isAnswerFrame(frame: HeardFrame): frame is AnswerFrame {
  return frame.type.startsWith("ai_");
}

export function isProgressFrame(frame: HeardFrame): frame is ProgressFrame {
  return frame.type === "queue" || frame.type === "prefill";
}

/** null: not a frame. A newer server may say what this page does not know: it is passed on, and nobody listens. */
export function parseFrame(data: unknown): HeardFrame | null {
  if (typeof data !== "string") return null;
  try {
    const frame: unknown = JSON.parse(data);
    const isFrame = typeof frame === "object" && frame !== null && "type" in frame && typeof frame.type === "string";
    return isFrame ? (frame as HeardFrame) : null;
  } catch {
    return null;
  }
}

/** Why a line ended for good; anything else is tried again. */
export type Ending = "signed-out" | "forbidden" | "gone" | "outdated" | "closed";

/** src/bdchat/api/live/connection.py, CloseCode. */
const ENDINGS: Record<number, Ending> = {
  4400: "outdated", // the server does not understand this page: it is of another version
  4401: "signed-out",
  4403: "forbidden",
  4404: "gone",
  4409: "signed-out",
};
const TOO_MANY = 4429;

export function endingOf(code: number): Ending | null {
  return ENDINGS[code] ?? null;
}

/** The shortest wait before coming back: a line too many waits for others to go. */
export function shortestWaitMs(code: number): number {
  return code === TOO_MANY ? 15_000 : 0;
}
