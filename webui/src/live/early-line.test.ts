import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeSocket } from "../test-socket";
import type { HeardFrame } from "./protocol";
import type { LineState } from "./socket";

const CHUNK = { type: "ai_chunk", generation_id: "g", seq: 1, text: "a", message_id: "m" };

beforeEach(() => {
  FakeSocket.all = [];
  sessionStorage.clear();
  vi.resetModules();
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function listener() {
  const heard: HeardFrame[] = [];
  const states: LineState["name"][] = [];
  const hello = () => ({ type: "hello" as const, last: { g: 9 } });
  return {
    heard,
    states,
    hello,
    onFrame: (f: HeardFrame) => heard.push(f),
    onState: (s: LineState) => states.push(s.name),
  };
}

test("what the early line has heard is told, then it goes on as the chat's own", async () => {
  const { lineOf, openEarlyLine } = await import("./early-line");
  openEarlyLine("/chat/s1");
  const [socket] = FakeSocket.all;
  socket?.onopen?.();
  socket?.says(CHUNK);
  const mine = listener();
  const line = lineOf("s1", mine);
  expect(FakeSocket.all).toHaveLength(1);
  expect(socket?.said).toEqual([{ type: "hello", last: {} }]);
  expect(mine.heard.map((frame) => frame.type)).toEqual(["ai_chunk"]);
  expect(mine.states).toEqual(["open"]);
  socket?.says({ ...CHUNK, seq: 2 });
  expect(mine.heard).toHaveLength(2);
  line.reconnect(); // a new line says what has been heard since
  FakeSocket.all[1]?.onopen?.();
  expect(FakeSocket.all[1]?.said).toEqual([{ type: "hello", last: { g: 9 } }]);
  line.close();
});

test("another chat gets a line of its own, and nobody's line is closed after a while", async () => {
  const { lineOf, openEarlyLine } = await import("./early-line");
  openEarlyLine("/chat/s1");
  const other = lineOf("s2", listener());
  expect(FakeSocket.all.map((socket) => new URL(socket.url).pathname)).toEqual(["/ws/chat/s1", "/ws/chat/s2"]);
  FakeSocket.all[1]?.says({ type: "hello" });
  vi.advanceTimersByTime(10_000);
  expect(FakeSocket.all.map((socket) => socket.isClosed)).toEqual([true, false]);
  const late = lineOf("s1", listener());
  expect(FakeSocket.all).toHaveLength(3);
  other.close();
  late.close();
});

test("other pages open none", async () => {
  const { openEarlyLine } = await import("./early-line");
  for (const path of ["/", "/settings", "/chat/", "/chat/a/b"]) openEarlyLine(path);
  expect(FakeSocket.all).toEqual([]);
});
