import { act, render } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { Generations } from "./generations";
import type { AnswerFrame } from "./protocol";
import { useLiveAnswer } from "./use-live-answer";

const RUN = 2 ** 32;
const G = { generation_id: "g", message_id: "m" };

function start(seq: number, prefix = ""): AnswerFrame {
  return { type: "ai_start", ...G, seq, prefix, model: "tiny", num_dropped_messages: 0 };
}

function chunk(seq: number, text: string): AnswerFrame {
  return { type: "ai_chunk", ...G, seq, text };
}

function complete(seq: number): AnswerFrame {
  return { type: "ai_complete", ...G, seq, state: "complete", finish_reason: "stop", usage: {}, error: null };
}

function screen() {
  const draws: (() => void)[] = [];
  const generations = new Generations((draw) => draws.push(draw));
  const draw = () => {
    for (const each of draws.splice(0)) each();
  };
  return { generations, draws, draw };
}

test("many frames, one drawing", () => {
  const { generations, draws, draw } = screen();
  const listener = vi.fn();
  generations.subscribe("g", listener);
  generations.hear(start(1));
  for (let seq = 2; seq < 100; seq += 1) generations.hear(chunk(seq, "가"));
  expect(draws).toHaveLength(1);
  expect(generations.read("g")).toBeUndefined();
  draw();
  expect(listener).toHaveBeenCalledTimes(1);
  expect(generations.read("g")?.text).toBe("가".repeat(98));
  expect(generations.read("g")).toBe(generations.read("g"));
});

test("what was seen before is dropped, whatever is sent again", () => {
  const { generations, draw } = screen();
  const frames = [start(1), chunk(2, "a"), chunk(5, "bcd"), chunk(6, "e")];
  for (let n = 0; n < frames.length; n += 1) {
    for (const frame of frames.slice(0, n + 1)) expect(generations.hear(frame)).toBe(true);
  }
  draw();
  expect(generations.read("g")?.text).toBe("abcde");
  expect(generations.last()).toEqual({ g: 6 });
});

test("a server died: the text of its run is replaced, that of earlier runs stays", () => {
  const { generations, draw } = screen();
  for (const frame of [start(1, "before "), chunk(2, "lo"), chunk(3, "st")]) generations.hear(frame);
  generations.hear({ type: "ai_reset", ...G, seq: RUN + 2, text: "lo" });
  generations.hear(chunk(3, "late"));
  generations.hear(chunk(RUN + 3, "st and found"));
  draw();
  expect(generations.read("g")).toMatchObject({ text: "before lost and found", wasReset: true });
});

test("an answer that goes on begins with what it had", () => {
  const { generations, draw } = screen();
  generations.hear(start(1, "half a sen"));
  generations.hear(chunk(2, "tence"));
  draw();
  expect(generations.read("g")?.text).toBe("half a sentence");
});

test("a chunk without a beginning asks for the answer anew", () => {
  const { generations } = screen();
  expect(generations.hear(chunk(9, "middle"))).toBe(false);
  expect(generations.last()).toEqual({});
});

test("the end is told at once and once; after it nothing changes", () => {
  const { generations, draw } = screen();
  const ended = vi.fn();
  generations.onEnd(ended);
  for (const frame of [start(1), chunk(2, "all"), complete(3), complete(3), chunk(4, "more")]) generations.hear(frame);
  expect(ended).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ text: "all", messageId: "m" }));
  draw();
  expect(generations.read("g")).toMatchObject({ text: "all", end: { state: "complete", finishReason: "stop" } });
  expect(generations.last()).toEqual({});
  generations.forget("g");
  draw();
  expect(generations.read("g")).toBeUndefined();
});

test("an answer that was over before this page came is told with its end alone", () => {
  const { generations } = screen();
  const ended = vi.fn();
  generations.onEnd(ended);
  generations.hear(complete(RUN));
  expect(ended).toHaveBeenCalledTimes(1);
});

test("the place in the queue is shown until the first word", () => {
  const { generations, draw } = screen();
  generations.hear({ type: "queue", generation_id: "g", position: 3, is_paused: false, eta_s: 4.5 });
  draw();
  expect(generations.read("g")?.progress).toMatchObject({ type: "queue", position: 3 });
  generations.hear(start(1));
  generations.hear({ type: "prefill", generation_id: "g", done: 10, total: 40, cached: 30, eta_s: null });
  draw();
  expect(generations.read("g")?.progress).toMatchObject({ type: "prefill", done: 10 });
  generations.hear(chunk(2, "word"));
  draw();
  expect(generations.read("g")?.progress).toBeNull();
});

test("one component is rendered once per drawing, and no other", () => {
  const { generations, draw } = screen();
  const renders = { live: 0, page: 0 };
  function Live() {
    renders.live += 1;
    return <p>{useLiveAnswer(generations, "g")?.text}</p>;
  }
  function Page() {
    renders.page += 1;
    return <Live />;
  }
  const { container } = render(<Page />);
  const before = { ...renders };
  act(() => {
    generations.hear(start(1));
    for (let seq = 2; seq < 50; seq += 1) generations.hear(chunk(seq, "x"));
    draw();
  });
  expect(renders).toEqual({ live: before.live + 1, page: before.page });
  expect(container.textContent).toBe("x".repeat(48));
});
