import { QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/query-client";
import type { PullView } from "@/api/types.gen";
import { PullProgress } from "./pull-progress";

const PULL: PullView = {
  pull_id: "p1",
  model: "hf:o/r/x.gguf",
  state: "failed",
  phase: null,
  num_bytes_done: 0,
  num_bytes_total: null,
  bytes_per_s: null,
  error: "hf:o/r/x.gguf: there is no o/r, or it is private and HF_TOKEN does not open it",
  error_code: "not_found",
  installed_as: null,
  created_at_ms: 1,
};

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function show(pull: PullView) {
  const fetched = vi.fn(async (_url: string, _options: RequestInit) => Response.json(pull));
  vi.stubGlobal("fetch", fetched);
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <PullProgress pull={pull} />
    </QueryClientProvider>,
  );
  return fetched;
}

test("why it failed is said in our words, with the server's as its details", () => {
  show(PULL);
  expect(screen.getByText("No such file on Hugging Face. Check the name.")).toBeDefined();
  expect(screen.getByText(/HF_TOKEN does not open it/)).toBeDefined();
  expect(screen.getByText("Try again")).toBeDefined();
  expect(screen.getByText("Cancel")).toBeDefined();
});

test("what has ended can be cleared from the list", async () => {
  const fetched = show({ ...PULL, state: "done", error: null, error_code: null, installed_as: "x" });
  fireEvent.click(screen.getByText("Remove from list"));
  await waitFor(() => expect(fetched).toHaveBeenCalled());
  expect(fetched.mock.calls[0]?.[0]).toBe("/api/admin/pulls/p1");
  expect(fetched.mock.calls[0]?.[1].method).toBe("DELETE");
});

test.each<[PullView["error_code"], RegExp]>([
  ["no_package", /no package with this name/],
  ["offline", /isn't connected to the internet/],
  ["no_room", /Not enough disk space/],
  ["source_trouble", /has a problem/],
  ["other", /download failed/],
])("a failure at no byte does not promise that it can be gone on with: %s", (error_code, said) => {
  show({ ...PULL, error_code });
  expect(screen.getByText(said)).toBeDefined();
  expect(screen.queryByText(/is kept/)).toBeNull();
});
