/** What an answer of 5,000 tokens costs while it streams, against a bare <pre> that is fed by the same frames. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { field, lastAnswer, say } from "../harness/chat";
import { stage, type Visitor } from "../harness/stage";
import { report } from "./figures";
import { Processor, type Spent } from "./processor";
import { percentile, traced } from "./trace";

const NUM_TOKENS = Number(process.env.BDCHAT_MEASURED_TOKENS ?? 5000);
const TOKENS_PER_S = 150;
const scene = stage({
  model: { numTokens: NUM_TOKENS, tokensPerS: TOKENS_PER_S },
  settings: { "generations.makes_titles": "false" },
});

/** The floor: a page of nothing but the text. It parses the frames and draws once per frame of the screen, as ours. */
function bare(sessionId: string): void {
  document.body.innerHTML =
    '<pre style="max-width:780px;margin:auto;white-space:pre-wrap;font:16px/1.6 sans-serif"></pre>';
  const pre = document.querySelector("pre");
  const line = new WebSocket(`${location.origin.replace("http", "ws")}/ws/chat/${sessionId}`);
  let text = "";
  let isScheduled = false;
  const draw = () => {
    isScheduled = false;
    if (pre) pre.textContent = text;
    scrollTo(0, document.body.scrollHeight);
  };
  line.onopen = () => line.send('{"type":"hello","last":{}}');
  line.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    if (frame.type === "ping") line.send('{"type":"pong"}');
    if (frame.type === "ai_chunk") text += frame.text;
    if (frame.type === "ai_complete") document.title = "complete";
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(draw);
  };
}

async function empty(): Promise<Visitor & { sessionId: string }> {
  const visitor = await scene.visitor("ann");
  return { ...visitor, sessionId: await visitor.api.chat("Streaming", []) };
}

/** Begins an answer there; the page that is measured only listens. */
async function ask({ api }: Visitor, sessionId: string): Promise<void> {
  const metadata = { session_id: sessionId };
  const body = { messages: [{ role: "user", content: "Go on." }], store: true, stream: false, metadata };
  api.call("POST /v1/chat/completions", { body }).catch(() => undefined); // answers when all is written: too late
}

async function ofPre(): Promise<Spent> {
  const visitor = await empty();
  const { page, sessionId } = visitor;
  visitor.watch.foresee(/favicon\.ico/);
  await page.goto("/health"); // a document of this origin with nothing in it
  await page.evaluate(bare, sessionId);
  const processor = await Processor.of(page);
  await processor.start();
  await ask(visitor, sessionId);
  await isWritten(visitor, sessionId);
  await page.waitForFunction(() => document.title === "complete");
  return processor.spent();
}

/** Asks the server, not the page: looking for something in it costs the page's own time. */
async function isWritten({ api }: Visitor, sessionId: string): Promise<void> {
  const path = { session_id: sessionId };
  for (;;) {
    const { data } = await api.call("GET /api/sessions/{session_id}/messages", { path });
    if (data.at(-1)?.status === "complete") return;
    await new Promise((done) => setTimeout(done, 500));
  }
}

async function ofPage(): Promise<Spent> {
  const visitor = await empty();
  const { page, sessionId } = visitor;
  await page.goto(`/chat/${sessionId}`);
  await field(page).waitFor();
  const processor = await Processor.of(page);
  await processor.start();
  await ask(visitor, sessionId);
  await isWritten(visitor, sessionId);
  await page.getByRole("button", { name: "Regenerate" }).waitFor();
  return processor.spent();
}

test("the page costs little more than the text alone", { timeout: 600_000 }, async () => {
  const floor = await ofPre();
  const ours = await ofPage();
  report("streaming", {
    tokens: NUM_TOKENS,
    pre_cpu_ms: floor.total,
    page_cpu_ms: ours.total,
    ratio: ours.total / floor.total,
    pre_script_ms: floor.script,
    page_script_ms: ours.script,
    pre_style_and_layout_ms: floor.style + floor.layout,
    page_style_and_layout_ms: ours.style + ours.layout,
  });
  expect(ours.total).toBeGreaterThan(0);
});

/** Counts React's commits by the hook that its developer tools use; works in a production build. */
function countCommits(): void {
  const counts = { commits: 0, frames: 0, perFrame: [] as number[] };
  let inThisFrame = 0;
  const next = () => {
    if (inThisFrame > 0) counts.perFrame.push(inThisFrame);
    inThisFrame = 0;
    counts.frames += 1;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
  const onCommitFiberRoot = () => {
    counts.commits += 1;
    inThisFrame += 1;
  };
  const hook = { supportsFiber: true, inject: () => 1, onCommitFiberRoot, onCommitFiberUnmount: () => undefined };
  Object.assign(window, { counts, __REACT_DEVTOOLS_GLOBAL_HOOK__: hook });
}

type Counts = { commits: number; frames: number; perFrame: number[] };
const countsOf = (page: Page) => page.evaluate(() => (window as unknown as { counts: Counts }).counts);

test("commits are short, and one per frame", { timeout: 600_000 }, async () => {
  const visitor = await empty();
  const { page, sessionId } = visitor;
  await page.addInitScript(countCommits);
  await page.goto(`/chat/${sessionId}`);
  await field(page).waitFor();
  await say(page, "Go on.");
  await lastAnswer(page).waitFor();
  const before = await countsOf(page);
  const frames = await traced(scene.browser, page, () => isWritten(visitor, sessionId));
  const after = await countsOf(page);
  const perFrame = after.perFrame.slice(before.perFrame.length, -10); // at its end the message's rest is drawn too
  const numCommits = after.commits - before.commits;
  report("commits", {
    commits: numCommits,
    frames_with_more_than_one: perFrame.filter((count) => count > 1).length,
    most_in_a_frame: Math.max(...perFrame),
    script_per_frame_p50_ms: percentile(frames.script, 0.5),
    script_per_frame_p99_ms: percentile(frames.script, 0.99),
    script_per_frame_max_ms: Math.max(...frames.script),
    layout_p99_ms: percentile(frames.layout, 0.99),
  });
  expect(numCommits).toBeGreaterThan(0);
});
