/** Requests to our own server, typed by its OpenAPI document. Throws ApiError and nothing else; shows nothing. */
import { addressOf } from "@/lib/place";
import { ApiError, errorOf } from "./errors";
import type { Endpoints } from "./types.gen";

export type Endpoint = keyof Endpoints;
export type Response<E extends Endpoint> = Endpoints[E]["response"];

/** The parts that `E` takes, those it cannot do without required. */
type Parts<E extends Endpoint> = Part<"path", Endpoints[E]["path"]> &
  Part<"query", Endpoints[E]["query"]> &
  Part<"body", Endpoints[E]["body"]> & { signal?: AbortSignal };
type Part<Name extends string, Value> = [Value] extends [undefined]
  ? { [name in Name]?: undefined }
  : Record<string, never> extends Value
    ? { [name in Name]?: Value }
    : { [name in Name]: Value };
type Arguments<E extends Endpoint> = Record<string, never> extends Parts<E> ? [parts?: Parts<E>] : [parts: Parts<E>];

interface AnyParts {
  path?: Record<string, string> | undefined;
  query?: Record<string, string | number | boolean | undefined> | undefined;
  body?: unknown;
  signal?: AbortSignal;
}

/** `call("GET /api/sessions/{session_id}", { path: { session_id } })`. Rejects with ApiError, or as aborted. */
export async function call<E extends Endpoint>(endpoint: E, ...[parts]: Arguments<E>): Promise<Response<E>> {
  const [method = "GET", template = ""] = endpoint.split(" ");
  const { path, query, body, signal } = (parts ?? {}) as AnyParts;
  const init: RequestInit = { method, credentials: "same-origin", headers: { accept: "application/json" } };
  if (signal) init.signal = signal;
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { ...init.headers, "content-type": "application/json" };
  }
  const answer = await answerTo(urlOf(template, path, query), init);
  const content = await contentOf(answer);
  if (!answer.ok) throw errorOf(answer.status, content, answer.headers);
  return content as Response<E>;
}

export function urlOf(template: string, path: AnyParts["path"], query: AnyParts["query"]): string {
  const url = addressOf(template).replace(/\{(\w+)\}/g, (_whole, name: string) =>
    encodeURIComponent(path?.[name] ?? ""),
  );
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return search ? `${url}?${search}` : url;
}

async function answerTo(url: string, init: RequestInit): Promise<globalThis.Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError("offline", "The server cannot be reached.");
  }
}

/** JSON, or undefined where there is none. */
async function contentOf(answer: globalThis.Response): Promise<unknown> {
  if (!answer.headers.get("content-type")?.startsWith("application/json")) return undefined;
  try {
    return await answer.json();
  } catch {
    throw new ApiError("offline", "The answer broke off.");
  }
}
