/** Where measured figures go: said at once, and written to BDCHAT_FIGURES for scripts/bench to judge. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";

export function report(name: string, figures: Record<string, number>): void {
  const rounded = Object.entries(figures).map(([key, value]) => [key, Math.round(value * 1000) / 1000] as const);
  process.stdout.write(`${name}: ${rounded.map(([key, value]) => `${key} ${value}`).join(", ")}\n`);
  const path = process.env.BDCHAT_FIGURES;
  if (!path) return;
  const known = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
  writeFileSync(path, JSON.stringify({ ...known, [name]: Object.fromEntries(rounded) }, null, 2));
}
