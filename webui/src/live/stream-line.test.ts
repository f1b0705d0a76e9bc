import { waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { StreamLine } from "./stream-line";

interface Call {
  url: string;
  init: RequestInit;
  answer: (response: Response) => void;
  fail: (error: Error) => void;
}

let calls: Call[] = [];
const made: StreamLine[] = [];

beforeEach(() => {
  calls = [];
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    return new Promise<Response>((answer, fail) => calls.push({ url, init, answer, fail }));
  });
});

afterEach(() => {
  for (const line of made.splice(0)) line.close();
  vi.unstubAllGlobals();
});

function open(last: Record<string, number> = {}, url = "/api/live/chat/s") {
  const told: unknown[] = [];
  const line = new StreamLine(url, last);
  made.push(line);
  line.onopen = () => told.push("open");
  line.onmessage = ({ data }) => told.push(JSON.parse(String(data)));
  line.onclose = ({ code }) => told.push(code);
  return { line, told };
}

function call(n: number): Call {
  const found = calls[n];
  if (!found) throw new Error(`there was no request ${n}`);
  return found;
}

const json = (body: object, status = 202) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", "retry-after": "3" } });
const events = (...frames: object[]) =>
  new Response(`: ping\n\n${frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join("")}`);
const MESSAGE = { type: "chat_message", content: "안녕", client_message_id: "c1" };
const STOP = { type: "stop", generation_id: "g" };

test("it opens with the first event, tells each, and ends with the server's code", async () => {
  const { told } = open({ "chatcmpl-1": 12 });
  expect(call(0).url).toBe("/api/live/chat/s?events=true&last%5Bchatcmpl-1%5D=12");
  call(0).answer(events({ type: "hello" }, { type: "ping" }, { type: "close", code: 1012, reason: "" }));
  await waitFor(() => expect(told).toEqual(["open", { type: "hello" }, { type: "ping" }, 1012]));
});

test.each([
  ["our 401", () => json({ error: {} }, 401), 4401],
  ["our 404", () => json({ error: {} }, 404), 4404],
  ["our 503", () => json({ error: {} }, 503), 1013],
  ["a proxy's 403", () => new Response("<html>", { status: 403 }), 1006],
  ["a page that is no stream", () => new Response("<html>"), 1006],
])("%s ends it", async (_what, answer, code) => {
  const { told } = open();
  call(0).answer(answer());
  await waitFor(() => expect(told).toEqual([code]));
});

test("commands are requests, one after the other; a stop waits for none, and signs of the line are none", async () => {
  const { line, told } = open();
  line.send(JSON.stringify({ type: "hello", last: {} }));
  line.send(JSON.stringify({ type: "pong" }));
  line.send(JSON.stringify(MESSAGE));
  line.send(JSON.stringify({ type: "regenerate", message_id: "m" }));
  line.send(JSON.stringify(STOP));
  await waitFor(() => expect(calls).toHaveLength(3));
  expect(calls.slice(1).map(({ init }) => JSON.parse(String(init.body)))).toEqual([STOP, MESSAGE]);
  expect(line.isBusy).toBe(true);
  call(1).answer(json({}));
  call(2).answer(json({ type: "accepted", client_message_id: "c1" }));
  await waitFor(() => expect(calls).toHaveLength(4));
  call(3).answer(json({ error: { code: "conflict" } }, 409));
  await waitFor(() => expect(line.isBusy).toBe(false));
  const refused = { type: "error", error: { code: "conflict" }, answers: "regenerate" };
  expect(told).toEqual([
    { type: "accepted", client_message_id: "c1" },
    { ...refused, client_message_id: null, retry_after_s: 3 },
  ]);
});

test("a command goes on when the line is closed; one without an answer of ours breaks the line", async () => {
  const { line, told } = open();
  line.send(JSON.stringify(MESSAGE));
  await waitFor(() => expect(calls).toHaveLength(2));
  call(1).answer(new Response("<html>bad gateway", { status: 502 }));
  await waitFor(() => expect(told).toEqual([1006]));
  line.send(JSON.stringify(MESSAGE));
  await waitFor(() => expect(calls).toHaveLength(3));
  line.close();
  expect([call(0).init.signal?.aborted, call(2).init.signal]).toEqual([true, undefined]);
});

/** A stream that says more when it is told to. */
function endless() {
  let more: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      more = controller;
    },
  });
  const says = (frame: object) => more?.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(frame)}\n\n`));
  return { response: new Response(body), says };
}

test("a page's two lines hold one stream: the chat's brings what happens outside, and it goes on without the chat", async () => {
  const events = open({}, "/api/live/events");
  const eventsStream = endless();
  call(0).answer(eventsStream.response);
  eventsStream.says({ type: "hello", user_id: "u" });
  await waitFor(() => expect(events.told).toEqual(["open", { type: "hello", user_id: "u" }]));
  const chat = open();
  const chatStream = endless();
  call(1).answer(chatStream.response);
  const told = [
    { type: "hello", session_id: "s" },
    { type: "session", event: "changed", session_id: "other" },
    { type: "session", event: "changed", session_id: "s" },
    { type: "notification", kind: "x", data: {} },
    { type: "ai_chunk", seq: 3 },
    { type: "ping" },
  ];
  for (const frame of told) chatStream.says(frame);
  const [hello, ofOther, ofThis, news, chunk, ping] = told;
  await waitFor(() => expect(chat.told).toEqual(["open", hello, ofThis, chunk, ping]));
  expect(events.told.slice(2)).toEqual([hello, ofOther, ofThis, news, ping]);
  expect([calls.length, call(0).init.signal?.aborted]).toEqual([2, true]);
  const second = open({}, "/api/live/events"); // opened while the chat's stream is there
  await waitFor(() => expect(second.told).toEqual(["open", hello]));
  expect(calls).toHaveLength(2);
  chat.line.close();
  expect([calls.length, call(2).url]).toEqual([3, "/api/live/events"]);
});
