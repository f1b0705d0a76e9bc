/** What the page calls a thing, so that a check goes on finding it when it gets a better name. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./server";

type Words = { [key: string]: string | Words };

const FILES = ["en", "pages.en", "admin.en", "ko", "pages.ko", "admin.ko"].map(
  (name) => JSON.parse(readFileSync(join(ROOT, `webui/src/locales/${name}.json`), "utf8")) as Words,
);

/** The whole name of a control in either language, by its key in the locales; what is put into it may be anything. */
export function named(key: string): RegExp {
  const texts = FILES.map((words) => key.split(".").reduce<string | Words | undefined>(inner, words)).filter(
    (text) => typeof text === "string",
  );
  if (texts.length < 2) throw new Error(`no such words in both languages: ${key}`);
  const patterns = texts.map((text) =>
    text
      .split(/\{\{\w+\}\}/)
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*"),
  );
  return new RegExp(`^(?:${patterns.join("|")})$`);
}

function inner(words: string | Words | undefined, part: string): string | Words | undefined {
  return typeof words === "object" ? words[part] : undefined;
}
