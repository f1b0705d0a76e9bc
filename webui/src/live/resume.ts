/**
 * What one answer's frames make of its text: duplicates are dropped, gaps are noticed. Pure.
 *
 * `seq` only grows, but a chunk may hold many events, so a number that is skipped says nothing. Within one line the
 * server keeps the order; the one gap that can be is a chunk of an answer whose start this page never had.
 */
import type { AnswerFrame } from "./protocol";

export interface AnswerText {
  generationId: string;
  messageId: string | null;
  /** Of the last event that is in here: what hello names. */
  lastSeq: number;
  /** The answer's text from earlier runs. */
  prefix: string;
  /** The text of this run. */
  text: string;
  model: string;
  numDroppedMessages: number;
  end: AnswerEnd | null;
  /** A server had died and the text went on. */
  wasReset: boolean;
}

export interface AnswerEnd {
  state: string;
  finishReason: string | null;
  usage: Record<string, unknown>;
  error: Record<string, unknown> | null;
}

/** "gap": `frame` continues a text that is not here; ask for the answer from its beginning. */
export type Taken = AnswerText | "old" | "gap";

export function take(answer: AnswerText | undefined, frame: AnswerFrame): Taken {
  if (answer?.end) return "old";
  if (frame.type === "ai_complete") return ended(answer ?? emptyAnswer(frame), frame);
  if (answer && frame.seq <= answer.lastSeq) return "old";
  const known = { ...(answer ?? emptyAnswer(frame)), lastSeq: frame.seq };
  known.messageId = frame.message_id ?? known.messageId;
  switch (frame.type) {
    case "ai_start": {
      const { prefix, model, num_dropped_messages: numDroppedMessages } = frame;
      return { ...known, prefix, model, numDroppedMessages, text: "" };
    }
    case "ai_reset":
      return { ...known, text: frame.text, wasReset: true };
    case "ai_chunk":
      return answer ? { ...known, text: answer.text + frame.text } : "gap";
  }
}

function ended(answer: AnswerText, frame: Extract<AnswerFrame, { type: "ai_complete" }>): AnswerText {
  const { state, finish_reason: finishReason, usage, error = null } = frame;
  const lastSeq = Math.max(answer.lastSeq, frame.seq);
  return { ...answer, lastSeq, end: { state, finishReason, usage, error } };
}

function emptyAnswer(frame: AnswerFrame): AnswerText {
  return {
    generationId: frame.generation_id,
    messageId: frame.message_id,
    lastSeq: 0,
    prefix: "",
    text: "",
    model: "",
    numDroppedMessages: 0,
    end: null,
    wasReset: false,
  };
}
