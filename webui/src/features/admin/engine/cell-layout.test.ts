import { expect, test } from "vitest";
import type { EngineView, SequenceView } from "@/api/types.gen";
import { blocksFor, segmentsOf } from "./cell-layout";

function sequence(state: SequenceView["state"], own: number, userId: string | null = null): SequenceView {
  return { state, num_own_cells: own, num_cells: own, user_id: userId, username: userId } as SequenceView;
}

function engine(used: number, total: number, ...sequences: SequenceView[]): EngineView {
  return { num_cells: used, num_cells_total: total, sequences } as EngineView;
}

test("whose cells are whose: by person, what several share, what is kept, what is free", () => {
  const found = segmentsOf(
    engine(
      900,
      2048,
      sequence("writing", 100, "ann"),
      sequence("reading", 250, "bea"),
      sequence("writing", 50, "ann"),
      sequence("idle", 300),
      sequence("waiting", 0, "cho"),
    ),
  );
  expect(found.map((each) => [each.key, each.numCells, each.numSequences])).toEqual([
    ["own bea", 250, 1],
    ["own ann", 150, 2],
    ["shared", 200, 0],
    ["kept", 300, 1],
    ["free", 1148, 0],
  ]);
});

test("segments sum up to all cells, also when the counts are a moment older than the sequences", () => {
  for (const used of [0, 10, 100, 5000]) {
    const found = segmentsOf(engine(used, 1000, sequence("writing", 40, "ann"), sequence("idle", 60)));
    expect(found.reduce((sum, each) => sum + each.numCells, 0)).toBe(1000);
    expect(found.every((each) => each.numCells > 0)).toBe(true);
  }
});

test("an engine that has not said anything yet has no cells", () => {
  expect(segmentsOf(engine(0, 0))).toEqual([]);
});

test("blocks sum up, and nobody who has a cell is left out", () => {
  expect(blocksFor([500, 500], 10)).toEqual([5, 5]);
  expect(blocksFor([1, 9999], 10)).toEqual([1, 9]);
  expect(blocksFor([0, 0], 10)).toEqual([0, 0]);
  expect(blocksFor([1, 1, 1], 2)).toEqual([1, 1, 1]);
  let seed = 7;
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  for (let round = 0; round < 300; round += 1) {
    const counts = Array.from({ length: 1 + Math.floor(random() * 12) }, () => Math.floor(random() ** 4 * 5000));
    const blocks = blocksFor(counts, 200);
    const total = counts.reduce((sum, each) => sum + each, 0);
    expect(blocks.reduce((sum, each) => sum + each, 0)).toBe(total > 0 ? 200 : 0);
    expect(blocks.every((each, index) => each > 0 === (counts[index] ?? 0) > 0)).toBe(true);
    const isFair = blocks.every(
      (each, index) => Math.abs(each - ((counts[index] ?? 0) / total) * 200) < counts.length + 1,
    );
    expect(total === 0 || isFair).toBe(true);
  }
});
