/** A chat that lives in this page alone: nothing of it is sent to be kept, and nothing is kept in the browser. */
import { useEffect, useRef, useState } from "react";
import { ApiError } from "@/api/errors";
import { type ChatTurn, streamChat } from "@/api/stream-chat";
import { inFrame } from "@/lib/frame";
import { useErrorText } from "@/ui/use-error-text";

export interface TemporaryChat {
  turns: readonly ChatTurn[];
  isAnswering: boolean;
  /** Why the last answer is not all there. */
  problem: string | null;
  say: (content: string) => void;
  /** The last answer once more. */
  again: () => void;
  stop: () => void;
}

export function useTemporaryChat(model: string | null): TemporaryChat {
  const textOf = useErrorText();
  const [turns, setTurns] = useState<readonly ChatTurn[]>([]);
  const [isAnswering, setAnswering] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const answer = async (messages: readonly ChatTurn[]) => {
    const control = new AbortController();
    running.current = control;
    const drawing = new Drawing((content) => setTurns([...messages, { role: "assistant", content }]));
    setTurns(messages);
    setProblem(null);
    setAnswering(true);
    try {
      for await (const piece of streamChat({ messages, model, signal: control.signal })) drawing.add(piece);
    } catch (error) {
      if (!control.signal.aborted) setProblem(error instanceof ApiError ? textOf(error) : String(error));
    } finally {
      drawing.end();
      setAnswering(false);
    }
  };
  return {
    turns,
    isAnswering,
    problem,
    say: (content) => answer([...turns, { role: "user", content }]),
    again: () => answer(turns.slice(0, turns.findLastIndex((turn) => turn.role === "user") + 1)),
    stop: () => running.current?.abort(),
  };
}

/** Text that grows faster than a screen is drawn: shown at most once per frame. */
class Drawing {
  readonly #draw: (text: string) => void;
  #text = "";
  #isWaiting = false;
  #hasEnded = false;

  constructor(draw: (text: string) => void) {
    this.#draw = draw;
  }

  add(piece: string): void {
    this.#text += piece;
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    inFrame(() => {
      this.#isWaiting = false;
      if (!this.#hasEnded) this.#draw(this.#text);
    });
  }

  end(): void {
    this.#hasEnded = true;
    if (this.#text) this.#draw(this.#text);
  }
}
