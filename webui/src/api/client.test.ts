import { afterEach, expect, test, vi } from "vitest";
import { call } from "./client";
import { ApiError } from "./errors";

afterEach(() => vi.unstubAllGlobals());

function answering(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const json = { "content-type": "application/json", ...headers };
  const fetch = vi.fn<typeof globalThis.fetch>(
    async () => new Response(status === 204 ? null : text, { status, headers: status === 204 ? {} : json }),
  );
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

test("path, query and body go where they belong", async () => {
  const fetch = answering(200, { data: [], next_cursor: null });
  const path = { session_id: "a/b?c" };
  const page = await call("GET /api/sessions/{session_id}/messages", { path, query: { limit: 30 } });
  expect(page.data).toEqual([]);
  expect(fetch.mock.calls[0]?.[0]).toBe("/api/sessions/a%2Fb%3Fc/messages?limit=30");
  await call("POST /api/sessions", { body: { title: "한글" } });
  expect(fetch.mock.calls[1]?.[1]).toMatchObject({
    method: "POST",
    body: '{"title":"한글"}',
    credentials: "same-origin",
  });
});

test("no content is undefined", async () => {
  answering(204, null);
  expect(await call("DELETE /api/sessions/{session_id}", { path: { session_id: "s" } })).toBeUndefined();
});

test("the server's error is thrown with its field", async () => {
  answering(400, { error: { message: "must be short.", type: "invalid_request_error", param: "title", code: "bad" } });
  const failed = await call("POST /api/sessions", { body: {} }).catch((error: unknown) => error);
  expect(failed).toMatchObject({
    code: "bad",
    message: "must be short.",
    param: "title",
    status: 400,
    isPassing: false,
  });
});

test("what is no error object, and no server, are errors too", async () => {
  answering(503, "<html>", { "content-type": "text/html", "retry-after": "2" });
  const busy = await call("GET /api/auth/me").catch((error: unknown) => error);
  expect(busy).toMatchObject({ code: "http_503", isPassing: true, retryAfterMs: 2000 });
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("failed to fetch");
  });
  const offline = await call("GET /api/auth/me").catch((error: unknown) => error);
  expect(offline).toBeInstanceOf(ApiError);
  expect(offline).toMatchObject({ code: "offline", isPassing: true });
});

test("an aborted request is no error of the server's", async () => {
  const abort = new AbortController();
  vi.stubGlobal("fetch", async () => {
    abort.abort();
    throw new DOMException("aborted", "AbortError");
  });
  const failed = await call("GET /api/auth/me", { signal: abort.signal }).catch((error: unknown) => error);
  expect(failed).not.toBeInstanceOf(ApiError);
});
