/** A real `bdchat serve` in its own process; it can be killed and started again on the same port and data. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, createWriteStream, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
export const PYTHON = process.env.BDCHAT_TEST_PYTHON ?? join(ROOT, ".venv/bin/python");

export interface ServerOptions {
  /** "default": the real one, BDCHAT_TEST_MODEL; or a known text at a known pace (tests/e2e/scripted_server.py). */
  model: "default" | "none" | { numTokens: number; tokensPerS: number };
  /** As `--set` has them. */
  settings?: Record<string, string>;
}

export class ServerProcess {
  readonly #dataDir = mkdtempSync(join(tmpdir(), "bdchat-page-"));
  readonly #options: ServerOptions;
  #process: ChildProcess | null = null;
  #port = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    if (options.model === "default") install(join(this.#dataDir, "models"));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** On the port of before, if there was one. */
  async start(): Promise<void> {
    const settings = {
      "auth.registration": "open",
      "engine.calibrate": "false", // measuring the machine takes longer than these tests
      "engine.max_draft_tokens": "0", // what is done to an answer while it is written must not come too late
      "engine.n_ctx": "4096",
      "engine.n_threads": "1", // the browser needs the other core; threads that wait for each other are slower than one
      ...this.#options.settings,
    };
    const options = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    const place = ["--port", String(this.#port), "--data-dir", this.#dataDir];
    const program = programOf(this.#options.model);
    // A test run that is killed takes its server along.
    const child = spawn("setpriv", ["--pdeathsig", "KILL", PYTHON, "-m", ...program, ...place, ...options], {
      cwd: ROOT,
      env: { ...process.env, PYTHONPATH: `${join(ROOT, "src")}:${ROOT}` },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    child.stderr.pipe(createWriteStream(this.#log, { flags: "a" }));
    this.#port = await portOf(child, this.#log);
  }

  /** As a power cut would: no word to anybody. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async close(): Promise<void> {
    await this.#end("SIGKILL"); // its data goes too: there is nothing to save
    rmSync(this.#dataDir, { recursive: true, force: true, maxRetries: 5 });
  }

  get #log(): string {
    return join(this.#dataDir, "serve.log");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }
}

function programOf(model: ServerOptions["model"]): string[] {
  if (model === "default") return ["bdchat", "serve"];
  if (model === "none") return ["bdchat", "serve", "--model", model];
  const pace = ["--num-tokens", String(model.numTokens), "--tokens-per-s", String(model.tokensPerS)];
  return ["tests.e2e.scripted_server", ...pace];
}

/** The default model where `bdchat pull` would have put it. */
function install(folder: string): void {
  const path = process.env.BDCHAT_TEST_MODEL;
  if (!path) throw new Error("BDCHAT_TEST_MODEL must name the default model's file");
  mkdirSync(folder);
  const place = join(folder, basename(path));
  try {
    linkSync(path, place);
  } catch {
    copyFileSync(path, place); // on another disk
  }
}

/** Its first line is "Open in a browser: http://127.0.0.1:PORT[base path]". */
async function portOf(child: ChildProcess, log: string): Promise<number> {
  if (!child.stdout) throw new Error("no stdout");
  for await (const line of createInterface({ input: child.stdout })) {
    const found = /^Open in a browser: https?:\/\/\S+?:(\d+)(?:\/\S*)?$/.exec(line);
    if (!found) break;
    child.stdout.resume();
    return Number(found[1]);
  }
  throw new Error(`the server did not start:\n${readFileSync(log, "utf8")}`);
}
