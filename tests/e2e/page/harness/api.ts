/** Requests of a signed-in account, for what a test needs to be there: typed as the page's own are. */
import type { BrowserContext } from "playwright-core";
import { type Endpoint, type Response, urlOf } from "@/api/client";

interface Parts {
  path?: Record<string, string>;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
}

export class Api {
  readonly #context: BrowserContext;
  readonly #url: string;

  constructor(context: BrowserContext, url: string) {
    this.#context = context;
    this.#url = url;
  }

  async call<E extends Endpoint>(endpoint: E, { path, query, body }: Parts = {}): Promise<Response<E>> {
    const [method = "GET", template = ""] = endpoint.split(" ");
    const answer = await this.#context.request.fetch(this.#url + urlOf(template, path, query), {
      method,
      headers: { origin: this.#url },
      ...(body === undefined ? {} : { data: body }),
    });
    if (!answer.ok()) throw new Error(`${endpoint}: ${answer.status()} ${await answer.text()}`);
    const isJson = answer.headers()["content-type"]?.startsWith("application/json");
    return (isJson ? await answer.json() : await answer.text()) as Response<E>;
  }

  /** A chat whose messages are there already, question and answer in turn. */
  async chat(title: string, messages: readonly string[]): Promise<string> {
    const { session_id: sessionId } = await this.call("POST /api/sessions", { body: { title } });
    for (const [n, content] of messages.entries()) {
      const role = n % 2 === 0 ? "user" : "assistant";
      const path = { session_id: sessionId };
      await this.call("POST /api/sessions/{session_id}/messages", { path, body: { role, content } });
    }
    return sessionId;
  }

  /** How the model answers there. Greedy, so that an answer can be had twice. */
  async tune(sessionId: string, config: object): Promise<void> {
    const path = { session_id: sessionId };
    await this.call("PUT /api/sessions/{session_id}/config", { path, body: { temperature: 0, seed: 1, ...config } });
  }
}
