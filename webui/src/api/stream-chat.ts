/** A chat completion that the server keeps nothing of, word by word. Rejects with ApiError, or as aborted. */
import { eventsOf } from "@/lib/event-stream";
import { addressOf } from "@/lib/place";
import { ApiError, errorOf } from "./errors";

export interface ChatTurn {
  role: "user" | "assistant";
  content: string;
}

interface Wanted {
  messages: readonly ChatTurn[];
  /** null: the server's own choice. */
  model: string | null;
  signal: AbortSignal;
}

interface Chunk {
  choices?: { delta?: { content?: string | null }; finish_reason?: string | null }[];
  error?: unknown;
}

/** What is said, piece by piece; in the end returns why it ended, "stop" or "length". */
export async function* streamChat({ messages, model, signal }: Wanted): AsyncGenerator<string, string> {
  const answer = await begin(
    { messages, stream: true, sampling_defaults: "model", ...(model ? { model } : {}) },
    signal,
  );
  let reason: string | null = null;
  for await (const data of eventsOf(answer)) {
    if (data === "[DONE]") break;
    const chunk = JSON.parse(data) as Chunk;
    if (chunk.error) throw errorOf(500, chunk, new Headers());
    const [choice] = chunk.choices ?? [];
    if (choice?.delta?.content) yield choice.delta.content;
    reason = choice?.finish_reason ?? reason;
  }
  if (reason === null) throw new ApiError("offline", "The answer broke off.");
  return reason;
}

async function begin(body: object, signal: AbortSignal): Promise<Response> {
  const headers = { "content-type": "application/json", accept: "text/event-stream" };
  const init: RequestInit = { method: "POST", credentials: "same-origin", headers, signal, body: JSON.stringify(body) };
  const answer = await fetch(addressOf("/v1/chat/completions"), init).catch((error) => {
    if (signal.aborted) throw error;
    throw new ApiError("offline", "The server cannot be reached.");
  });
  if (!answer.ok) throw errorOf(answer.status, await answer.json().catch(() => null), answer.headers);
  return answer;
}
