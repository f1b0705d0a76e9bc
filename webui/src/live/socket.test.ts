import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeSocket } from "../test-socket";
import { type HeardFrame, parseFrame, type SaidFrame } from "./protocol";
import { LiveSocket, liveUrl } from "./socket";

let sockets: FakeSocket[] = [];
let line: LiveSocket | null = null;

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
});

afterEach(() => {
  line?.close();
  vi.useRealTimers();
});

function open(heard: HeardFrame[] = []): LiveSocket {
  line = new LiveSocket({
    url: "ws://test/ws/chat/s",
    hello: () => ({ type: "hello", last: { g: 7 } }),
    onFrame: (frame) => heard.push(frame),
    random: () => 1,
    makeSocket: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
  });
  return line;
}

function latest(): FakeSocket {
  const socket = sockets.at(-1);
  if (!socket) throw new Error("no socket was made");
  return socket;
}

const MESSAGE: SaidFrame = { type: "chat_message", content: "hi", client_message_id: "c1" };
const ACCEPTED = { type: "accepted", client_message_id: "c1", generation_id: "g" };

test("hello comes first, then what has waited; signs of the moment do not wait", () => {
  const live = open();
  live.send({ type: "typing" });
  live.send(MESSAGE);
  expect(live.numWaiting).toBe(1);
  latest().onopen?.();
  expect(latest().said).toEqual([{ type: "hello", last: { g: 7 } }, MESSAGE]);
});

test("a message that was not accepted is sent again on the next line, once", () => {
  const live = open();
  latest().onopen?.();
  live.send(MESSAGE);
  live.send({ type: "regenerate", message_id: "m" });
  latest().onclose?.({ code: 1006 });
  vi.advanceTimersByTime(30_000);
  latest().onopen?.();
  expect(latest().said.slice(1)).toEqual([MESSAGE]);
  latest().says(ACCEPTED);
  latest().onclose?.({ code: 1012 });
  vi.advanceTimersByTime(30_000);
  latest().onopen?.();
  expect(latest().said).toHaveLength(1);
});

test("waits grow up to a bound, and begin small again after a line that held", () => {
  const live = open();
  const waits: number[] = [];
  const fail = () => {
    latest().onclose?.({ code: 1006 });
    if (live.state.name === "waiting") waits.push(live.state.triesAgainAtMs - Date.now());
    vi.advanceTimersByTime(waits.at(-1) ?? 0);
  };
  for (let n = 0; n < 8; n += 1) fail();
  expect(waits).toEqual([800, 1600, 3200, 6400, 12_800, 20_000, 20_000, 20_000]);
  latest().onopen?.();
  vi.advanceTimersByTime(11_000);
  fail();
  expect(waits.at(-1)).toBe(400);
});

test.each([
  [4401, "signed-out"],
  [4409, "signed-out"],
  [4404, "gone"],
  [4400, "outdated"],
])("after %d it does not come back: %s", (code, why) => {
  const live = open();
  latest().onopen?.();
  latest().onclose?.({ code });
  vi.advanceTimersByTime(600_000);
  expect(live.state).toEqual({ name: "ended", why });
  expect(sockets).toHaveLength(1);
});

test("a line too many waits for others to go", () => {
  const live = open();
  latest().onclose?.({ code: 4429 });
  expect(live.state).toMatchObject({ name: "waiting", triesAgainAtMs: Date.now() + 15_000 });
});

test("pings are answered; silence is the end of a line", () => {
  const live = open();
  latest().onopen?.();
  vi.advanceTimersByTime(40_000);
  latest().says({ type: "ping" });
  expect(latest().said.at(-1)).toEqual({ type: "pong" });
  vi.advanceTimersByTime(44_000);
  expect(live.state.name).toBe("open");
  vi.advanceTimersByTime(2_000);
  expect([sockets[0]?.isClosed, live.state.name, sockets.length]).toEqual([true, "connecting", 2]);
});

test("when the network is back it is tried at once, and an open line is asked whether it lives", () => {
  open();
  latest().onclose?.({ code: 1006 });
  window.dispatchEvent(new Event("online"));
  expect(sockets).toHaveLength(2);
  latest().onopen?.();
  window.dispatchEvent(new Event("offline"));
  expect(latest().said.at(-1)).toEqual({ type: "ping" });
  vi.advanceTimersByTime(5_000);
  expect([sockets[1]?.isClosed, sockets.length]).toEqual([true, 3]);
});

test("a closed line stays closed", () => {
  const heard: HeardFrame[] = [];
  const live = open(heard);
  latest().onopen?.();
  live.close();
  latest().says({ type: "pong" });
  window.dispatchEvent(new Event("online"));
  vi.advanceTimersByTime(600_000);
  expect([heard.length, sockets.length, latest().isClosed]).toEqual([0, 1, true]);
});

test("what is no frame is no frame", () => {
  expect([
    parseFrame("{"),
    parseFrame("[]"),
    parseFrame("null"),
    parseFrame('{"type":1}'),
    parseFrame(new Blob()),
  ]).toEqual([null, null, null, null, null]);
  expect(liveUrl("/ws/events", "https://chat.example")).toBe("wss://chat.example/ws/events");
});
