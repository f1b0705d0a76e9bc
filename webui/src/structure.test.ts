/** What the folders promise: who imports whom, no HTML strings, no long files. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

const MAX_LINES = 400;
const SOURCE = join(import.meta.dirname);
const files = readdirSync(SOURCE, { recursive: true, encoding: "utf-8" })
  .filter((name) => /\.tsx?$/.test(name) && !/\.gen\.ts$/.test(name))
  .map((name) => ({ name, text: readFileSync(join(SOURCE, name), "utf-8") }));
const own = files.filter(({ name }) => !/\.test\.tsx?$|\.d\.ts$|^test-/.test(name));

/** Rooms that may import only these rooms of ours (and packages). `features/x` may also import itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  lib: ["locales"],
  api: ["lib"],
  live: ["lib"],
  markdown: ["lib"],
  ui: ["lib", "api"],
  features: ["lib", "api", "live", "markdown", "ui"],
};

function roomOf(name: string): string {
  const [room = "", feature = ""] = name.split("/");
  return room === "features" ? `features/${feature}` : room;
}

/** Paths below src/ that a file imports. */
function importsOf({ name, text }: { name: string; text: string }): string[] {
  const named = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
  return named.flatMap((path) => {
    if (path.startsWith("@/")) return [path.slice(2)];
    return path.startsWith(".") ? [normalize(join(dirname(name), path))] : [];
  });
}

test("rooms import only what lies below them, and no feature another's insides", () => {
  const wrong = own.flatMap((file) => {
    const room = roomOf(file.name);
    const allowed = MAY_IMPORT[room.split("/")[0] ?? ""];
    if (!allowed) return [];
    return importsOf(file)
      .filter((path) => roomOf(path) !== room && !allowed.includes(roomOf(path)))
      .map((path) => `${file.name} imports ${path}`);
  });
  expect(wrong).toEqual([]);
});

test("what only libraries of markdown need stays with them", () => {
  const wrong = own.filter(
    ({ name, text }) => /from "(?:marked|katex|highlight\.js)/.test(text) && !name.startsWith("markdown/"),
  );
  expect(wrong.map(({ name }) => name)).toEqual([]);
});

test("no HTML string is made anywhere", () => {
  const wrong = own.filter(({ text }) =>
    /dangerouslySetInnerHTML|(?:inner|outer)HTML\s*=|insertAdjacentHTML|document\.write/.test(text),
  );
  expect(wrong.map(({ name }) => name)).toEqual([]);
});

test("each file says what it is, and is short", () => {
  const long = files.filter(({ text }) => text.split("\n").length > MAX_LINES);
  expect(long.map(({ name }) => name)).toEqual([]);
  const silent = own.filter(({ text }) => !text.startsWith("/**"));
  expect(silent.map(({ name }) => name)).toEqual([]);
});

test("nothing is left that nobody uses", () => {
  const used = new Set(own.flatMap(importsOf));
  const entries = new Set(["main", "admin"]);
  const unused = own
    .map(({ name }) => name.replace(/\.tsx?$/, ""))
    .filter((name) => !used.has(name) && !entries.has(name));
  expect(unused).toEqual([]);
});

test("addresses are made in lib/place.ts alone: the page may lie below a path of its host", () => {
  const byHand = /(?:fetch|assign|replace|WebSocket|EventSource|open)\(\s*["'`]\/|href=\{?["'`]\/|location\.origin/;
  const elsewhere = own.filter(
    ({ name, text }) => byHand.test(text) && !["lib/place.ts", "live/socket.ts"].includes(name),
  );
  expect(elsewhere.map(({ name }) => name)).toEqual([]);
});
