/**
 * The text of answers that are being written: kept outside React, shown at most once per frame of the screen.
 *
 * Owned by the page: one for all sessions. Frames come in with `hear`; whoever shows an answer subscribes to it and
 * reads `read`, which changes only when the screen is about to be drawn (useLiveAnswer).
 */
import { inFrame } from "@/lib/frame";
import { type HeardFrame, isAnswerFrame, isProgressFrame, type ProgressFrame } from "./protocol";
import { type AnswerEnd, type AnswerText, take } from "./resume";

export interface LiveAnswer {
  generationId: string;
  messageId: string | null;
  /** All of it, earlier runs included. */
  text: string;
  model: string;
  numDroppedMessages: number;
  /** Where it waits, or how much of the prompt has been read; null once it writes. */
  progress: ProgressFrame | null;
  end: AnswerEnd | null;
  wasReset: boolean;
}

type Schedule = (draw: () => void) => void;

export class Generations {
  readonly #answers = new Map<string, AnswerText>();
  readonly #progress = new Map<string, ProgressFrame>();
  readonly #shown = new Map<string, LiveAnswer>();
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #endListeners = new Set<(answer: LiveAnswer) => void>();
  readonly #changed = new Set<string>();
  readonly #schedule: Schedule;
  #isScheduled = false;

  constructor(schedule: Schedule = inFrame) {
    this.#schedule = schedule;
  }

  /** Whether the answers go on without a gap. False: the line must be opened anew, with `last()` as it is now. */
  hear(frame: HeardFrame): boolean {
    if (isProgressFrame(frame)) {
      if (!this.#answers.get(frame.generation_id)?.end) this.#progress.set(frame.generation_id, frame);
      this.#mark(frame.generation_id);
      return true;
    }
    if (!isAnswerFrame(frame)) return true;
    const id = frame.generation_id;
    const taken = take(this.#answers.get(id), frame);
    if (taken === "gap") return false;
    if (taken === "old") return true;
    this.#answers.set(id, taken);
    if (taken.text || taken.end) this.#progress.delete(id);
    this.#mark(id);
    if (taken.end) this.#tellEnd(id);
    return true;
  }

  /** For hello: the last number of each answer that has not ended. */
  last(): Record<string, number> {
    const open = [...this.#answers.values()].filter((answer) => !answer.end);
    return Object.fromEntries(open.map((answer) => [answer.generationId, answer.lastSeq]));
  }

  read(generationId: string): LiveAnswer | undefined {
    return this.#shown.get(generationId);
  }

  /** Called when `read(generationId)` has changed. */
  subscribe(generationId: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(generationId) ?? new Set();
    this.#listeners.set(generationId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(generationId);
    };
  }

  /** Called at once when an answer ends, on a hidden page too, where nothing is drawn. */
  onEnd(listener: (answer: LiveAnswer) => void): () => void {
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  /** Its text has been read from the store: what is here is not needed any more. */
  forget(generationId: string): void {
    this.#answers.delete(generationId);
    this.#progress.delete(generationId);
    this.#mark(generationId);
  }

  #tellEnd(id: string): void {
    const answer = this.#made(id);
    if (answer) for (const listener of this.#endListeners) listener(answer);
  }

  #mark(id: string): void {
    this.#changed.add(id);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#schedule(() => this.#draw());
  }

  #draw(): void {
    this.#isScheduled = false;
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const id of changed) {
      const answer = this.#made(id);
      if (answer) this.#shown.set(id, answer);
      else this.#shown.delete(id);
      for (const listener of this.#listeners.get(id) ?? []) listener();
    }
  }

  #made(id: string): LiveAnswer | undefined {
    const answer = this.#answers.get(id);
    const progress = this.#progress.get(id) ?? null;
    if (!answer && !progress) return undefined;
    return {
      generationId: id,
      messageId: answer?.messageId ?? null,
      text: answer ? answer.prefix + answer.text : "",
      model: answer?.model ?? "",
      numDroppedMessages: answer?.numDroppedMessages ?? 0,
      progress,
      end: answer?.end ?? null,
      wasReset: answer?.wasReset ?? false,
    };
  }
}
