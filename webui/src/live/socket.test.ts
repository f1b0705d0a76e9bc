import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeSocket } from "../test-socket";
import { type HeardFrame, parseFrame, type SaidFrame } from "./protocol";
import { LiveSocket, socketUrl, streamUrl } from "./socket";

let sockets: FakeSocket[] = [];
let line: LiveSocket | null = null;

beforeEach(() => {
  vi.useFakeTimers();
  sessionStorage.clear();
  sockets = [];
});

afterEach(() => {
  line?.close();
  vi.useRealTimers();
});

function open(heard: HeardFrame[] = []): LiveSocket {
  line = new LiveSocket({
    path: "/chat/s",
    hello: () => ({ type: "hello", last: { g: 7 } }),
    onFrame: (frame) => heard.push(frame),
    random: () => 1,
    makeSocket: make,
    makeStream: (url, last) => Object.assign(make(url), { isBusy: false, last }),
  });
  return line;
}

function make(url: string): FakeSocket {
  const socket = new FakeSocket(url);
  sockets.push(socket);
  return socket;
}

/** When its wait is over. */
function comeBack(live: LiveSocket): void {
  if (live.state.name === "waiting") vi.advanceTimersByTime(live.state.triesAgainAtMs - Date.now());
}

function latest(): FakeSocket {
  const socket = sockets.at(-1);
  if (!socket) throw new Error("no socket was made");
  return socket;
}

const MESSAGE: SaidFrame = { type: "chat_message", content: "hi", client_message_id: "c1" };
const WELCOME = { type: "hello", server_id: "x", user_id: "u" };
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
  latest().says(WELCOME);
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
  latest().says(WELCOME);
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
  latest().onclose?.({ code: 1012 });
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
  expect(socketUrl("/events", "https://chat.example")).toBe("wss://chat.example/ws/events");
  expect(streamUrl("/events")).toBe("/api/live/events");
});

// --- the second way ---------------------------------------------------------------------------------------------------

const PING = { type: "ping" };
const isStream = (socket: FakeSocket) => socket.url === "/api/live/chat/s";

/** A line whose socket did not get through, on its stream. */
function onStream(heard: HeardFrame[] = []): { live: LiveSocket; stream: FakeSocket & { isBusy: boolean } } {
  const live = open(heard);
  latest().onclose?.({ code: 1006 });
  vi.advanceTimersByTime(1_000);
  const stream = latest() as FakeSocket & { isBusy: boolean };
  stream.onopen?.();
  stream.says(WELCOME);
  return { live, stream };
}

test("where no socket gets through there is a stream that names what was seen; the next line begins with one", () => {
  const { live, stream } = onStream();
  expect([isStream(stream), live.state]).toEqual([true, { name: "open", way: "stream" }]);
  expect(stream).toMatchObject({ last: { g: 7 } });
  live.send(MESSAGE);
  expect(stream.said.at(-1)).toEqual(MESSAGE);
  live.close();
  open();
  expect(isStream(latest())).toBe(true);
});

test("a socket that says nothing does not get through either", () => {
  const live = open();
  latest().onopen?.(); // what stands between may open it, and let no frame pass
  vi.advanceTimersByTime(11_000);
  expect([sockets[0]?.isClosed, isStream(latest()), live.state.name]).toEqual([true, true, "connecting"]);
});

test("on a stream the socket is tried now and then, and at its first word the line changes over", () => {
  const heard: HeardFrame[] = [];
  const { live, stream } = onStream(heard);
  vi.advanceTimersByTime(1_500);
  latest().onclose?.({ code: 1006 });
  expect([sockets.length, stream.isClosed]).toEqual([3, false]);
  vi.advanceTimersByTime(3_000);
  const socket = latest();
  socket.onopen?.();
  expect([socket.said, stream.isClosed]).toEqual([[], false]);
  socket.says(WELCOME);
  expect(socket.said).toEqual([{ type: "hello", last: { g: 7 } }]);
  expect([stream.isClosed, live.state]).toEqual([true, { name: "open", way: "socket" }]);
  stream.says(PING); // what it still says is not heard
  expect(heard.map((frame) => frame.type)).toEqual(["hello", "hello"]);
  vi.advanceTimersByTime(40_000);
  expect(sockets).toHaveLength(4);
});

test("nothing overtakes a command that is on its way", () => {
  const { live, stream } = onStream();
  stream.isBusy = true;
  vi.advanceTimersByTime(1_500);
  latest().says(WELCOME);
  expect([latest().isClosed, live.state]).toEqual([true, { name: "open", way: "stream" }]);
  stream.isBusy = false;
  vi.advanceTimersByTime(1_500);
  latest().says(WELCOME);
  expect(live.state).toEqual({ name: "open", way: "socket" });
});

test("a message whose request got no answer is sent again on the next line", () => {
  const { live, stream } = onStream();
  live.send(MESSAGE);
  stream.onclose?.({ code: 1006 });
  vi.advanceTimersByTime(2_000);
  latest().onopen?.();
  expect([isStream(latest()), latest().said.at(-1)]).toEqual([true, MESSAGE]);
});

test("sockets that are cut again and again give way to a stream; those that the server ends do not", () => {
  const live = open();
  const ends = [1012, 1006, 1012, 1006, 1006, 1006];
  for (const code of ends) {
    expect(isStream(latest())).toBe(false);
    latest().onopen?.();
    latest().says(WELCOME);
    latest().onclose?.({ code });
    comeBack(live);
  }
  expect(isStream(latest())).toBe(true);
});

test("without a server both ways are tried in turn", () => {
  const live = open();
  for (let n = 0; n < 4; n += 1) {
    latest().onclose?.({ code: 1006 });
    comeBack(live);
  }
  expect(sockets.map(isStream)).toEqual([false, true, false, true, false]);
});

test("a page that nobody sees gives its stream's connection back, and takes one when it is seen", () => {
  const { stream } = onStream();
  vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  document.dispatchEvent(new Event("visibilitychange"));
  vi.advanceTimersByTime(120_000);
  expect(stream.isClosed).toBe(true);
  const before = sockets.length;
  vi.restoreAllMocks();
  document.dispatchEvent(new Event("visibilitychange"));
  expect([sockets.length, isStream(latest())]).toEqual([before + 1, true]);
});
