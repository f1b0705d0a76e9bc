/** What must never happen on any page: errors in the console, exceptions, dialogs, refused content, other hosts. */
import type { BrowserContext, Page } from "playwright-core";

/** Collects what went wrong in one browser context; a test fails when something did that it did not foresee. */
export class Watch {
  readonly #problems: string[] = [];
  readonly #foreseen: RegExp[] = [];
  readonly #origin: string;

  constructor(context: BrowserContext, serverUrl: string) {
    this.#origin = serverUrl;
    context.on("request", (request) => this.#checkAddress(request.url()));
    context.on("page", (page) => this.#watch(page));
  }

  get problems(): readonly string[] {
    return this.#problems.filter((problem) => !this.#foreseen.some((pattern) => pattern.test(problem)));
  }

  /** The test makes this happen: a server that is away, a request that must fail. */
  foresee(pattern: RegExp): void {
    this.#foreseen.push(pattern);
  }

  #watch(page: Page): void {
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        this.#problems.push(`console: ${message.text()} (${message.location().url})`);
      }
    });
    page.on("pageerror", (error) => this.#problems.push(`exception: ${error.stack ?? error.message}`));
    page.on("crash", () => this.#problems.push("the page crashed"));
    page.on("websocket", (socket) => this.#checkAddress(socket.url().replace(/^ws/, "http")));
    page.on("dialog", (dialog) => {
      this.#problems.push(`dialog: ${dialog.message()}`);
      dialog.dismiss().catch(() => undefined);
    });
  }

  #checkAddress(url: string): void {
    const isOwn = url.startsWith(`${this.#origin}/`) || /^(?:data|blob|about):/.test(url);
    if (!isOwn) this.#problems.push(`request to another host: ${url}`);
  }
}

/** Runs in the page before its own code: content that the Content-Security-Policy refused is an error like any other. */
export function reportRefusedContent(): void {
  document.addEventListener("securitypolicyviolation", (event) => {
    // biome-ignore lint/suspicious/noConsole: the console is what is watched
    console.error(`refused by ${event.effectiveDirective}: ${event.blockedURI}`);
  });
}
