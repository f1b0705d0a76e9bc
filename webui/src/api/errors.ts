/** What a request fails with. */

export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    /** The server's name for what is wrong, "not_found"; "offline" when no server answered. */
    readonly code: string,
    /** In English, for people. */
    message: string,
    /** The field that is at fault. */
    readonly param: string | null = null,
    /** 0: no answer came. */
    readonly status: number = 0,
    /** When to try again, if the server said. */
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
  }

  /** No answer came, or a proxy's for a server that is not there. */
  get isOffline(): boolean {
    return [0, 502, 504].includes(this.status);
  }

  /** Trying again later may help: the line, the server or its rate, not what was asked. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** Out of OpenAI's error object, if `body` is one. */
export function errorOf(status: number, body: unknown, headers: Headers): ApiError {
  const error = (body as { error?: { code?: unknown; type?: unknown; message?: unknown; param?: unknown } } | null)
    ?.error;
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return new ApiError(
    text(error?.code) ?? text(error?.type) ?? `http_${status}`,
    text(error?.message) ?? `The server answered ${status}.`,
    text(error?.param),
    status,
    Number.isFinite(seconds) ? seconds * 1000 : null,
  );
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
