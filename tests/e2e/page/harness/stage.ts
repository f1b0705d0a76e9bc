/** One server and one browser for a spec file, and visitors who come with a fresh profile each. */
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { Api } from "./api";
import { ROOT, type ServerOptions, ServerProcess } from "./server";
import { reportRefusedContent, Watch } from "./watch";

/** The browser's own pages behind its address bar, which nobody sees: a process of them for each visitor. */
const UNSEEN = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup"];
/** Playwright's own list (its `chromiumSwitches`): of two such flags a browser takes the last. */
const UNWANTED = [
  "AvoidUnnecessaryBeforeUnloadCheckSync",
  "DestroyProfileOnBrowserClose",
  "HttpsUpgrades",
  "HttpsFirstBalancedModeAutoEnable",
  "LensOverlay",
  "MediaRouter",
  "PaintHolding",
  "ThirdPartyStoragePartitioning",
  "AvoidCorsURLLoaderRestartOnRedirect",
  "OptimizationHints",
  "NetworkTimeServiceQuerying",
  "AimEnabled",
  "PreconnectToSearch",
];
const FLAGS = [
  `--disable-features=${[...UNWANTED, ...UNSEEN].join(",")}`,
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** Long enough for a loaded machine, where the model writes a word in a second. */
const PATIENCE_MS = 60_000;
/** What the pages of a failed test looked like. */
const FAILURES = join(ROOT, "build/page-failures");
const PASSWORD = "correct horse battery";

export interface Visit {
  language?: "en" | "ko";
  theme?: "light" | "dark";
  width?: number;
  height?: number;
  isPhone?: boolean;
  /** Where the server is reached, if not at its own address. */
  url?: string;
}

export interface Visitor {
  page: Page;
  context: BrowserContext;
  api: Api;
  watch: Watch;
}

export class Stage {
  readonly server: ServerProcess;
  #browser: Browser | null = null;
  readonly #visitors: Visitor[] = [];
  readonly #known = new Set<string>();

  constructor(options: ServerOptions) {
    this.server = new ServerProcess(options);
  }

  get browser(): Browser {
    if (!this.#browser) throw new Error("the browser is started before the first test");
    return this.#browser;
  }

  async open(): Promise<void> {
    const executablePath = process.env.BDCHAT_TEST_CHROMIUM ?? "/usr/bin/chromium";
    [this.#browser] = await Promise.all([
      chromium.launch({ executablePath, args: FLAGS, headless: true }),
      this.server.start(),
    ]);
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    await this.server.close();
  }

  /** A browser that was never here. */
  async stranger(visit: Visit = {}): Promise<Visitor> {
    const {
      language = "en",
      theme = "light",
      width = 1280,
      height = 800,
      isPhone = false,
      url = this.server.url,
    } = visit;
    const context = await this.browser.newContext({
      baseURL: url,
      locale: language === "ko" ? "ko-KR" : "en-US",
      timezoneId: "Asia/Seoul",
      colorScheme: theme,
      viewport: { width, height },
      hasTouch: isPhone,
      isMobile: isPhone,
      reducedMotion: "reduce",
      permissions: ["clipboard-read", "clipboard-write"],
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const watch = new Watch(context, url);
    await context.addInitScript(reportRefusedContent);
    const visitor = { page: await context.newPage(), context, api: new Api(context, url), watch };
    this.#visitors.push(visitor);
    return visitor;
  }

  /** Somebody with an account of that name, signed in; the first of a server is its admin. */
  async visitor(username: string, visit: Visit = {}): Promise<Visitor> {
    const visitor = await this.stranger(visit);
    const body = { username, password: PASSWORD, cookie: true };
    const isKnown = this.#known.has(username);
    if (isKnown) await visitor.api.call("POST /api/auth/login", { body });
    else await visitor.api.call("POST /api/auth/register", { body: { ...body, locale: visit.language ?? "en" } });
    this.#known.add(username);
    return visitor;
  }

  /** After each test: everybody leaves, and nothing may have gone wrong on anybody's page. */
  async clear(test: { name: string; hasFailed: boolean }): Promise<void> {
    const visitors = this.#visitors.splice(0);
    if (test.hasFailed) {
      const pages = visitors.flatMap(({ context }) => context.pages());
      const pictures = pages.map((page, n) => page.screenshot({ path: join(FAILURES, `${test.name} ${n}.png`) }));
      await Promise.allSettled(pictures);
    }
    await Promise.all(visitors.map(({ context }) => context.close()));
    expect(visitors.flatMap(({ watch }) => watch.problems)).toEqual([]);
  }
}

/** For a spec file: the stage is set before its first test and cleared after each. */
export function stage(options: ServerOptions): Stage {
  const made = new Stage(options);
  beforeAll(() => made.open());
  afterEach(({ task }) => made.clear({ name: task.name, hasFailed: task.result?.state === "fail" }));
  afterAll(() => made.close());
  return made;
}
