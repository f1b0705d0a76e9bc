/** What is asked of the engines right now, waiting or running: what an engine knows and what the server knows. Pure. */
import type { EngineView, RunningView, SequenceView } from "@/api/types.gen";

export interface Work {
  key: string;
  /** What can be cancelled; null: not from here. */
  generationId: string | null;
  model: string;
  userId: string | null;
  username: string | null;
  /** "paused": it gave its place to others. */
  state: "starting" | "waiting" | "reading" | "writing" | "paused";
  priority: SequenceView["priority"] | null;
  /** 1: next. */
  position: number | null;
  etaS: number | null;
  numPrompt: number | null;
  numCached: number | null;
  /** Of the cached ones: brought back from there. */
  numFromRam: number;
  numFromDisk: number;
  /** Of the prompt, the cached ones included. */
  numRead: number | null;
  numWritten: number;
  numCells: number | null;
  /** How often it gave way. */
  numPauses: number | null;
  ageMs: number;
}

/** Running ones first, then the queue in its order. */
export function workOf(engines: readonly EngineView[], running: readonly RunningView[], nowMs: number): Work[] {
  const byId = new Map(running.map((each) => [each.generation_id, each]));
  const seen = new Set<string>();
  const inEngines = engines.flatMap((engine) =>
    engine.sequences
      .filter((sequence) => sequence.state !== "idle")
      .map((sequence) => {
        seen.add(sequence.request_id);
        return ofSequence(engine.model, sequence, byId.get(sequence.request_id));
      }),
  );
  const others = running.filter((each) => !seen.has(each.generation_id)).map((each) => ofServer(each, nowMs));
  const place = (work: Work) =>
    work.state === "waiting" || work.state === "paused"
      ? 1 + (work.position ?? 0)
      : work.state === "starting"
        ? 0.5
        : 0;
  return [...inEngines, ...others].sort((one, other) => place(one) - place(other) || other.ageMs - one.ageMs);
}

function ofSequence(model: string, sequence: SequenceView, known: RunningView | undefined): Work {
  return {
    key: `${sequence.request_id} ${sequence.choice}`,
    generationId: known?.generation_id ?? null,
    model,
    userId: sequence.user_id,
    username: sequence.username,
    state: sequence.state === "idle" ? "waiting" : sequence.state,
    priority: sequence.priority,
    position: sequence.queue_position,
    etaS: sequence.eta_ms === null ? null : sequence.eta_ms / 1000,
    numPrompt: sequence.num_prompt_tokens,
    numCached: sequence.num_cached_tokens,
    numFromRam: sequence.num_cached_from_ram,
    numFromDisk: sequence.num_cached_from_disk,
    numRead: Math.min(sequence.num_computed_tokens, sequence.num_prompt_tokens),
    numWritten: sequence.num_completion_tokens,
    numCells: sequence.num_cells,
    numPauses: sequence.num_preemptions,
    ageMs: sequence.age_ms,
  };
}

/** The engine has not taken it yet, or does not say. */
function ofServer(running: RunningView, nowMs: number): Work {
  return {
    key: running.generation_id,
    generationId: running.generation_id,
    model: running.model,
    userId: running.user_id,
    username: running.username,
    state: running.num_written_tokens > 0 ? "writing" : "starting",
    priority: null,
    position: number(running.progress?.position),
    etaS: number(running.progress?.eta_s),
    numPrompt: number(running.progress?.num_total),
    numCached: number(running.progress?.num_cached),
    numFromRam: 0,
    numFromDisk: 0,
    numRead: number(running.progress?.num_done),
    numWritten: running.num_written_tokens,
    numCells: null,
    numPauses: null,
    ageMs: Math.max(0, nowMs - running.started_at_ms),
  };
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
