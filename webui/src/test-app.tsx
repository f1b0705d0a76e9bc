/** The whole page over a server that is a table: what a request gets, and a hand on its live lines. For tests. */
import { act, render, waitFor } from "@testing-library/react";
import { MemoryRouter } from "react-router";
import { vi } from "vitest";
import { makeQueryClient } from "./api/query-client";
import type { DocumentView, Me, Model, PathMessageView, SessionView } from "./api/types.gen";
import { useNewsList } from "./app/layout/news-state";
import { Providers } from "./app/providers";
import { AppRoutes } from "./app/routes";
import { FakeSocket } from "./test-socket";
// The pages are loaded when they are asked for; a test's patience is not for loading.
import "./app/chat-place";
import "./app/signed-in";
import "./features/auth/auth-page";
import "./features/chat/temporary/temporary-page";
import "./features/documents/chat/shelf";
import "./features/documents/page/documents-page";
import "./features/settings/settings-page";

type Answer = (body: unknown, url: URL) => unknown;

export class Refusal {
  constructor(
    readonly status: number,
    readonly error: { code: string; message: string; param?: string },
  ) {}
}

/** One that opens at once. */
class OpenSocket extends FakeSocket {
  constructor(url: string) {
    super(url);
    queueMicrotask(() => this.onopen?.());
  }

  override close(): void {
    super.close();
    this.onmessage = null;
  }
}

export const ME: Me = {
  user: {
    user_id: "u1",
    username: "ann",
    display_name: "",
    email: null,
    role: "admin",
    locale: "",
    preferences: {},
    must_change_password: false,
    created_at_ms: 0,
  },
  role: "admin",
  scopes: ["admin", "chat", "sessions"],
  registration: "invitation",
  needs_first_account: false,
  needs_setup_code: false,
};

export function session(id: string, title: string): SessionView {
  return {
    session_id: id,
    title,
    title_source: "user",
    folder: "",
    is_pinned: false,
    is_archived: false,
    head_message_id: null,
    num_messages: 0,
    created_at_ms: Date.now(),
    updated_at_ms: Date.now(),
    deleted_at_ms: null,
    role: "owner",
    owner_name: "ann",
  };
}

export function message(id: string, fields: Partial<PathMessageView>): PathMessageView {
  return {
    message_id: id,
    session_id: "s1",
    parent_id: null,
    author_id: "u1",
    author_name: "ann",
    role: "user",
    content: "",
    status: "complete",
    finish_reason: null,
    token_count: null,
    processing_time_ms: null,
    client_message_id: null,
    created_at_ms: 0,
    sibling_ids: [id],
    sibling_index: 0,
    num_elsewhere: 0,
    generation_id: null,
    error: null,
    metadata: null,
    num_sources: 0,
    citations: [],
    ...fields,
  };
}

export function aDocument(id: string, fields: Partial<DocumentView>): DocumentView {
  return {
    document_id: id,
    name: `${id}.pdf`,
    format: "pdf",
    media_type: "application/pdf",
    num_bytes: 12_000,
    status: "ready",
    error: null,
    num_pages: 3,
    num_pages_read: 3,
    num_passages: 9,
    num_vectors: 9,
    vectors: "ready",
    notes: {},
    num_tokens: 900,
    is_own: true,
    can_open: true,
    owner_name: "ann",
    collection_ids: [],
    created_at_ms: 0,
    updated_at_ms: 0,
    deleted_at_ms: null,
    ...fields,
  };
}

export const MODEL: Model = {
  id: "small",
  object: "model",
  created: 0,
  owned_by: "bdchat",
  context_length: 4096,
  max_model_len: 4096,
  opens_thought: false,
  context_cut: null,
  state: "ready",
  load_fraction: null,
  weights: null,
  stands_in_for: null,
  languages: [],
  capabilities: ["completion", "chat", "tools", "json_schema"],
  num_parameters: null,
  sampling_defaults: { temperature: 0.7, top_p: 0.95, top_k: 40, min_p: 0.05, repeat_penalty: 1, repeat_last_n: 64 },
};

/** GET /api/sessions of somebody who has these chats and pinned none; `shared`: those of others. */
export function listOf(own: () => readonly SessionView[], shared: () => readonly SessionView[] = () => []): Answer {
  return (_body, url) => {
    const isOthers = url.searchParams.get("shared") === "true";
    const items = isOthers ? shared() : url.searchParams.get("pinned") === "true" ? [] : own();
    return { data: items, next_cursor: null };
  };
}

const QUIET: Record<string, Answer> = {
  "GET /api/auth/me": () => ME,
  "GET /v1/models": () => ({ object: "list", data: [MODEL] }),
  "GET /api/invitations": () => ({ data: [] }),
  "GET /api/sessions": listOf(() => []),
  "GET /api/folders": () => ({ data: [] }),
  "GET /api/sessions/s1/documents": () => ({ documents: [], collections: [] }),
};

/** What `/v1/chat/completions` streams: these pieces of text, then its end. */
export function streamOf(...pieces: string[]): Response {
  const chunk = (delta: object, reason: string | null) =>
    `data: ${JSON.stringify({ choices: [{ delta, finish_reason: reason }] })}\n\n`;
  const said = pieces.map((content) => chunk({ content }, null));
  return new Response([...said, chunk({}, "stop"), "data: [DONE]\n\n"].join(""));
}

/** POST /api/documents, whose body is a file: the table is given its name. */
function uploadsTo(table: Record<string, Answer>) {
  return class {
    readonly upload: { onprogress?: (event: object) => void } = {};
    onload?: () => void;
    onabort?: () => void;
    status = 0;
    responseText = "";
    #url = new URL("http://localhost");
    open = (_method: string, url: string) => {
      this.#url = new URL(url, "http://localhost");
    };
    setRequestHeader = () => undefined;
    abort = () => this.onabort?.();
    send = async (file: File) => {
      await Promise.resolve();
      const found = table["POST /api/documents"]?.(file, this.#url);
      const isRefused = found instanceof Refusal;
      this.status = isRefused ? found.status : 201;
      this.responseText = JSON.stringify(isRefused ? { error: found.error } : found);
      this.onload?.();
    };
  };
}

/** Renders the page at `path`. `answers` may be changed while it runs. */
export function renderApp(path: string, answers: Record<string, Answer> = {}) {
  const table = { ...QUIET, ...answers };
  FakeSocket.all = [];
  localStorage.clear();
  // And what the page before had in memory: files share it.
  window.dispatchEvent(new StorageEvent("storage", { key: null }));
  useNewsList.setState({ items: [], numUnread: 0 });
  vi.stubGlobal("WebSocket", OpenSocket);
  vi.stubGlobal("fetch", async (target: string, init: RequestInit = {}) => {
    const url = new URL(target, "http://localhost");
    const answer = table[`${init.method ?? "GET"} ${url.pathname}`];
    if (!answer) throw new TypeError(`nothing is served at ${init.method} ${url.pathname}`);
    const found = answer(init.body ? JSON.parse(String(init.body)) : undefined, url);
    if (found instanceof Response) return found;
    if (found === undefined) return new Response(null, { status: 204 });
    const isRefused = found instanceof Refusal;
    const body = isRefused ? { error: { type: "invalid_request_error", param: null, ...found.error } } : found;
    return new Response(JSON.stringify(body), {
      status: isRefused ? found.status : 200,
      headers: { "content-type": "application/json" },
    });
  });
  const queries = makeQueryClient();
  queries.setDefaultOptions({ queries: { retry: false } });
  const page = render(
    <Providers queryClient={queries}>
      <MemoryRouter initialEntries={[path]}>
        <AppRoutes />
      </MemoryRouter>
    </Providers>,
  );
  const lineTo = (url: string) => FakeSocket.all.findLast((each) => each.url.endsWith(url));
  /** The server says it there, as soon as the page listens: what comes earlier, nobody hears. */
  const tell = async (url: string, frame: object) => {
    const line = await waitFor(() => lineTo(url) ?? Promise.reject(new Error(`nobody listens at ${url}`)));
    act(() => line.says(frame));
  };
  /** From now on POST /api/documents is answered by the table. */
  const takeUploads = () => vi.stubGlobal("XMLHttpRequest", uploadsTo(table));
  return { ...page, table, lineTo, tell, takeUploads };
}

/** Of the chat s1. */
export const LINE = "/ws/chat/s1";

/** The chat s1, whose path is `messages()`. */
export function openChat(messages: () => PathMessageView[], path = "/chat/s1") {
  return renderApp(path, {
    "GET /api/sessions": () => ({ data: [session("s1", "About foxes")], next_cursor: null }),
    "POST /api/sessions": () => session("s1", ""),
    "GET /api/sessions/s1": () => session("s1", "About foxes"),
    "GET /api/sessions/s1/messages": () => ({ data: messages(), next_cursor: null }),
  });
}
