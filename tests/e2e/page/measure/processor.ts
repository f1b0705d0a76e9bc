/** What the page's main thread spent, in milliseconds of its own CPU time: a busy machine changes it little. */
import type { CDPSession, Page } from "playwright-core";

export interface Spent {
  total: number;
  script: number;
  style: number;
  layout: number;
}

/** Counts from `start`, per page. */
export class Processor {
  readonly #devtools: CDPSession;
  #before: Spent = { total: 0, script: 0, style: 0, layout: 0 };

  private constructor(devtools: CDPSession) {
    this.#devtools = devtools;
  }

  static async of(page: Page): Promise<Processor> {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
    return new Processor(devtools);
  }

  async start(): Promise<void> {
    this.#before = await this.#read();
  }

  async spent(): Promise<Spent> {
    const now = await this.#read();
    const before = this.#before;
    return {
      total: now.total - before.total,
      script: now.script - before.script,
      style: now.style - before.style,
      layout: now.layout - before.layout,
    };
  }

  async #read(): Promise<Spent> {
    const { metrics } = await this.#devtools.send("Performance.getMetrics");
    const ms = (name: string) => 1000 * (metrics.find((metric) => metric.name === name)?.value ?? 0);
    return {
      total: ms("TaskDuration"),
      script: ms("ScriptDuration"),
      style: ms("RecalcStyleDuration"),
      layout: ms("LayoutDuration"),
    };
  }
}
