/** The cells of an engine as blocks on a map: whose they are, how many blocks each gets. Pure. */
import type { EngineView } from "@/api/types.gen";

export type CellKind = "own" | "shared" | "kept" | "free";

export interface Segment {
  key: string;
  kind: CellKind;
  /** Of "own" ones. Null: not known here. */
  userId: string | null;
  username: string | null;
  numCells: number;
  /** How many sequences it is of; for "kept": conversations. */
  numSequences: number;
}

/** In the order of the map. They sum up to the cells that there are. */
export function segmentsOf(engine: EngineView): Segment[] {
  const own = ownSegments(engine);
  const idle = engine.sequences.filter((sequence) => sequence.state === "idle");
  const kept = segment("kept", sum(idle.map((sequence) => sequence.num_own_cells)), idle.length);
  const numOwned = sum([...own, kept].map((each) => each.numCells));
  // The counts and the sequences are read a moment apart: what is in use is at least what somebody has.
  const numUsed = Math.min(Math.max(engine.num_cells, numOwned), Math.max(engine.num_cells_total, numOwned));
  const shared = segment("shared", numUsed - numOwned, 0);
  const free = segment("free", Math.max(0, engine.num_cells_total - numUsed), 0);
  return [...own, shared, kept, free].filter((each) => each.numCells > 0);
}

/** One for each person, however many requests; the largest first. */
function ownSegments(engine: EngineView): Segment[] {
  const byOwner = new Map<string, Segment>();
  for (const sequence of engine.sequences) {
    if (sequence.state === "idle" || sequence.num_own_cells === 0) continue;
    const key = `own ${sequence.user_id ?? "?"}`;
    const known = byOwner.get(key) ?? {
      ...segment("own", 0, 0),
      key,
      userId: sequence.user_id,
      username: sequence.username,
    };
    const numCells = known.numCells + sequence.num_own_cells;
    byOwner.set(key, { ...known, numCells, numSequences: known.numSequences + 1 });
  }
  return [...byOwner.values()].sort((one, other) => other.numCells - one.numCells);
}

function segment(kind: CellKind, numCells: number, numSequences: number): Segment {
  return { key: kind, kind, userId: null, username: null, numCells, numSequences };
}

/**
 * How many of `numBlocks` each gets: by the largest remainder, so that they sum up to `numBlocks`; whoever has any cell
 * has a block, at the cost of the largest.
 */
export function blocksFor(counts: readonly number[], numBlocks: number): number[] {
  const total = sum(counts);
  if (total <= 0) return counts.map(() => 0);
  const exact = counts.map((count) => (count / total) * numBlocks);
  const blocks = exact.map((each, index) => ((counts[index] ?? 0) > 0 ? Math.max(1, Math.floor(each)) : 0));
  const byRemainder = exact
    .map((each, index) => ({ index, remainder: each - Math.floor(each) }))
    .filter(({ index }) => (exact[index] ?? 0) >= 1)
    .sort((one, other) => other.remainder - one.remainder);
  for (let at = 0; sum(blocks) < numBlocks; at += 1) {
    const index = byRemainder[at % byRemainder.length]?.index ?? 0;
    blocks[index] = (blocks[index] ?? 0) + 1;
  }
  while (sum(blocks) > numBlocks) {
    const largest = blocks.indexOf(Math.max(...blocks));
    if ((blocks[largest] ?? 0) <= 1) break; // more of them than blocks: each keeps its one
    blocks[largest] = (blocks[largest] ?? 0) - 1;
  }
  return blocks;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
