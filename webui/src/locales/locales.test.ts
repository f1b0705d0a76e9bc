import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import adminEn from "./admin.en.json";
import adminKo from "./admin.ko.json";
import chatEn from "./en.json";
import chatKo from "./ko.json";
import pagesEn from "./pages.en.json";
import pagesKo from "./pages.ko.json";

const en = { ...chatEn, ...pagesEn, ...adminEn };
const ko = { ...chatKo, ...pagesKo, ...adminKo };

const SOURCE = join(import.meta.dirname, "..");
const PLURAL = /_(?:zero|one|two|few|many|other)$/;
/** Keys whose last part is chosen while the page runs: t(`chat.ended.${…}`). */
const COMPUTED = [
  /^invitations\.(reader|writer)$/,
  /^search\.writers\./,
  /^(?:sessions\.(?:age|empty|shelves)|chat\.(?:ended|meter\.tiers|overflow|formats|settings\.(?:help|numbers))|settings\.themes|layout\.keys|usage\.measures|keys\.scope(?:Name|Text)s|sharing\.roles|import\.(?:ended|status|reasons|kinds)|export\.(?:formats|texts)|writing\.(?:tooLong|files)|documents\.(?:reasons|roles|uses))\./,
  /^admin\.(?:nav|states|checksums|roles|cells|usage\.splits|actionGroups|actions|models\.(?:fit|goodFor)|pulls\.faults|(?:pulls|work|requests)\.states|work\.priorities)\./,
];

function leaves(tree: object, path = ""): [string, string][] {
  return Object.entries(tree).flatMap(([name, value]) =>
    typeof value === "string" ? [[path + name, value] as [string, string]] : leaves(value, `${path}${name}.`),
  );
}

function names(tree: object): string[] {
  return [...new Set(leaves(tree).map(([key]) => key.replace(PLURAL, "")))].sort();
}

function code(folder = "", except = /\.test\.tsx?$/): string {
  const files = readdirSync(join(SOURCE, folder), { recursive: true, encoding: "utf-8" });
  const own = files.filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name) && !except.test(name));
  return own.map((name) => readFileSync(join(SOURCE, folder, name), "utf-8")).join("\n");
}

test("the words of the administration are its own: the chat has not loaded them", () => {
  expect(Object.keys(adminEn).filter((name) => name in chatEn || name in pagesEn)).toEqual([]);
  expect(Object.keys(pagesEn).filter((name) => name in chatEn)).toEqual([]);
  const used = (folder: string) => code(folder).match(/\bt\([\s\S]{0,40}?["`]admin\./g) ?? [];
  expect(["app/layout", "features/chat", "features/profile", "features/sessions", "ui"].flatMap(used)).toEqual([]);
});

test("what the chat says at once is among the words that it loads", () => {
  const later = new RegExp(`\\bt\\([\\s\\S]{0,40}?["\`](?:${Object.keys(pagesEn).join("|")})\\.`, "g");
  const folders = ["app/layout", "features/sessions", "features/chat/thread", "features/chat/composer"];
  // the search comes with its words when something is typed, the door with its own (routes.tsx)
  for (const folder of ["features/sessions/search", "features/auth"]) expect(code(folder).match(later)).not.toBeNull();
  expect(code("app")).toContain('withPageWords(import("@/features/auth/auth-page"))');
  const atOnce = folders.map((folder) => (folder === "features/sessions" ? code(folder, /^search/) : code(folder)));
  expect(atOnce.flatMap((text) => text.match(later) ?? [])).toEqual([]);
});

test("both languages have the same keys", () => {
  expect(names(ko)).toEqual(names(en));
});

test("every key is used, and every used key is there", () => {
  const text = code();
  const unused = names(en).filter((key) => !COMPUTED.some((each) => each.test(key)) && !text.includes(`"${key}"`));
  expect(unused).toEqual([]);
  const known = new Set(names(en));
  const asked = [...text.matchAll(/\bt\("([\w.]+)"/g)].map((match) => match[1] ?? "");
  expect(asked.filter((key) => !known.has(key))).toEqual([]);
});

test("a sentence has the same blanks in both languages", () => {
  const blanks = (value: string) => [...new Set(value.match(/\{\{\w+\}\}/g) ?? [])].sort().join(" ");
  const korean = new Map(leaves(ko));
  const differing = leaves(en)
    .filter(([key]) => korean.has(key))
    .filter(([key, value]) => blanks(value) !== blanks(korean.get(key) ?? ""));
  expect(differing.map(([key]) => key)).toEqual([]);
});

test("English has both plurals, Korean the one that it has", () => {
  const plural = (tree: object) =>
    leaves(tree)
      .filter(([key]) => PLURAL.test(key))
      .map(([key]) => key);
  for (const key of plural(en)) expect(Object.fromEntries(leaves(en))).toHaveProperty([key.replace(PLURAL, "_other")]);
  expect(plural(ko).every((key) => key.endsWith("_other"))).toBe(true);
});

test("a particle in a Korean sentence follows a blank: elsewhere it is known", () => {
  const wrong = leaves(ko).filter(
    ([, value]) =>
      /을\(를\)|이\(가\)|은\(는\)|과\(와\)|\(으\)로/.test(value) &&
      !/\}\}[’”"')]*(?:을\(를\)|이\(가\)|은\(는\)|과\(와\)|\(으\)로)/.test(value),
  );
  expect(wrong).toEqual([]);
});
