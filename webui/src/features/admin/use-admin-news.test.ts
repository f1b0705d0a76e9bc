import { expect, test } from "vitest";
import type { PullView } from "@/api/types.gen";
import { withPull } from "./use-admin-news";

function pull(pullId: string, done: number): PullView {
  return { pull_id: pullId, num_bytes_done: done } as PullView;
}

test("a download's progress takes the place of what was known of it; a new one comes first", () => {
  const list = { data: [pull("b", 1), pull("a", 1)] };
  expect(withPull(list, pull("a", 9))).toEqual({ data: [pull("b", 1), pull("a", 9)] });
  expect(withPull(list, pull("c", 0))).toEqual({ data: [pull("c", 0), pull("b", 1), pull("a", 1)] });
  expect(withPull(undefined, pull("a", 9))).toBeUndefined();
});
