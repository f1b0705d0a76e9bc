import { QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/query-client";
import { ContextMeter } from "./context-meter";
import { usePreview } from "./use-preview";

const NOTHING = {
  num_prompt_tokens: null,
  num_to_read: null,
  num_waiting: null,
  num_dropped_messages: 0,
  segments: [],
};
const READY = {
  state: "ready",
  context_length: 4096,
  num_prompt_tokens: 4870,
  num_to_read: 312,
  read_ms: 1200,
  num_waiting: 0,
  num_dropped_messages: 0,
  segments: [
    { tier: "resident", num_tokens: 4558, first: 0, last: 8 },
    { tier: "cold", num_tokens: 312, first: 9, last: 9 },
  ],
};

beforeEach(() => vi.useFakeTimers({ shouldAdvanceTime: true }));
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function Metered() {
  return <ContextMeter preview={usePreview({ sessionId: "s", leafId: "m" }, "").preview} />;
}

function show(...answers: object[]): () => number {
  let numAsked = 0;
  vi.stubGlobal("fetch", async () => Response.json(answers[Math.min(numAsked++, answers.length - 1)]));
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <Metered />
    </QueryClientProvider>,
  );
  return () => numAsked;
}

test("what must be read, of how much, and how long that takes", async () => {
  const numAsked = show(READY);
  expect(await screen.findByText("312 of 4,870 tokens to read · about 1.2 sec")).toBeDefined();
  expect(screen.getByRole("img", { name: "312 of 4,870 tokens to read" })).toBeDefined();
  await act(() => vi.advanceTimersByTimeAsync(60_000));
  expect(numAsked()).toBe(1);
});

test("while the model loads it says so, and asks again until it is there", async () => {
  show({ ...NOTHING, state: "loading" }, { ...NOTHING, state: "loading" }, READY);
  expect(await screen.findByText("Loading the model…")).toBeDefined();
  await act(() => vi.advanceTimersByTimeAsync(1_600));
  expect(screen.getByText("Loading the model…")).toBeDefined();
  await act(() => vi.advanceTimersByTimeAsync(1_600));
  expect(await screen.findByText(/312 of 4,870/)).toBeDefined();
});

test("a model that cannot be loaded is not passed over in silence", async () => {
  show({ ...NOTHING, state: "failed" });
  expect(await screen.findByText("The model failed to load")).toBeDefined();
});
