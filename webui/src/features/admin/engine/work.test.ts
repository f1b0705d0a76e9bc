import { expect, test } from "vitest";
import type { EngineView, RunningView, SequenceView } from "@/api/types.gen";
import { workOf } from "./work";

function sequence(id: string, state: SequenceView["state"], more: Partial<SequenceView> = {}): SequenceView {
  return {
    request_id: id,
    choice: 0,
    state,
    user_id: "u",
    username: "ann",
    session_id: null,
    priority: "interactive",
    queue_position: null,
    eta_ms: null,
    num_prompt_tokens: 100,
    num_cached_tokens: 60,
    num_cached_from_ram: 40,
    num_cached_from_disk: 0,
    num_computed_tokens: 130,
    num_completion_tokens: 30,
    num_cells: 130,
    num_own_cells: 40,
    num_preemptions: 0,
    age_ms: 1000,
    ...more,
  };
}

function running(id: string, more: Partial<RunningView> = {}): RunningView {
  return {
    generation_id: id,
    user_id: "u",
    username: "ann",
    model: "m",
    session_id: null,
    is_stored: true,
    started_at_ms: 5000,
    num_written_tokens: 0,
    progress: null,
    ...more,
  };
}

function engine(...sequences: SequenceView[]): EngineView {
  return { model: "m", sequences } as EngineView;
}

test("running ones come first, then the queue as it will be served; kept cells are no work", () => {
  const all = workOf(
    [
      engine(
        sequence("c", "waiting", { queue_position: 2 }),
        sequence("b", "paused", { queue_position: 1, eta_ms: 4500, num_preemptions: 2 }),
        sequence("a", "writing"),
        sequence("", "idle"),
      ),
    ],
    [running("a"), running("b")],
    9000,
  );
  expect(all.map((work) => [work.generationId, work.state, work.position, work.etaS])).toEqual([
    ["a", "writing", null, null],
    ["b", "paused", 1, 4.5],
    [null, "waiting", 2, null],
  ]);
  expect(all[0]?.numRead).toBe(100);
});

test("what the engine has not taken yet is shown as starting, with its age", () => {
  const [work] = workOf([], [running("x")], 9000);
  expect(work).toMatchObject({ state: "starting", ageMs: 4000, numCells: null, generationId: "x" });
});
