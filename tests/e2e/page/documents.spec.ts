/** Documents: a citation opens its page at its sentence, sixty times of sixty; what is attached, found and shared. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SourceView } from "@/api/types.gen";
import { violations } from "./harness/accessibility";
import type { Api } from "./harness/api";
import { answered, sessionIdOf } from "./harness/chat";
import { PYTHON, ROOT } from "./harness/server";
import { stage } from "./harness/stage";
import { named } from "./harness/words";

const scene = stage({
  model: { numTokens: 20, tokensPerS: 200 },
  // Every page of a small file is a source of its own.
  settings: { "documents.whole_file_tokens": "100000", "documents.prompt_share": "0.9" },
});
const NAMES = ["계약서.pdf", "notes.md", "prices.xlsx"];
/** As tests/e2e/cited_files.py writes them. */
const CODES: Record<string, string> = { "계약서.pdf": "pdf", "notes.md": "notes", "prices.xlsx": "sheet" };
const NUM_PLACES = 6;
const PDF = { firstLine: 90, line: 90, left: 72, size: 16, width: 595, height: 842 };
const folder = mkdtempSync(join(tmpdir(), "bdchat-cited-"));
const paths = NAMES.map((name) => join(folder, name));

beforeAll(() => {
  execFileSync(PYTHON, ["-m", "tests.e2e.cited_files", folder], {
    cwd: ROOT,
    env: { ...process.env, PYTHONPATH: `${join(ROOT, "src")}:${ROOT}` },
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Cited {
  number: number;
  name: string;
  page: number;
  place: number;
  sentence: string;
}

/** One sentence of each source. */
function citedOf(source: SourceView): Cited {
  const place = (source.page * 5) % NUM_PLACES;
  const code = `${CODES[source.document_name]}-${source.page}-${place}`;
  const sentence = new RegExp(`[^.\\n]*${code}(?!\\d)[^.\\n]*\\.`).exec(source.text)?.[0]?.trim() ?? "";
  return { number: source.number, name: source.document_name, page: source.page, place, sentence };
}

const chips = (page: Page) => page.getByRole("list", { name: named("documents.ofChat") }).getByRole("listitem");

/** Asks about the files, and puts an answer that cites each page of them below the question. */
async function askAndCite(page: Page, api: Api): Promise<{ sessionId: string; cited: Cited[] }> {
  await page.goto("/");
  await page.locator("main input[type=file]").setInputFiles(paths);
  await expect
    .poll(() =>
      chips(page)
        .getByText(/^20 pages$/)
        .count(),
    )
    .toBe(3);
  expect(await violations(page)).toEqual([]);
  await page.getByRole("textbox").fill("What do things cost?");
  await page.getByRole("textbox").press("Enter");
  await page.waitForURL("**/chat/*");
  await answered(page);
  const sessionId = sessionIdOf(page);
  const path = { session_id: sessionId };
  const { data } = await api.call("GET /api/sessions/{session_id}/messages", { path });
  const question = data.find((message) => message.role === "user");
  expect(question?.num_sources).toBe(60);
  const { sources } = await api.call("GET /api/sessions/{session_id}/messages/{message_id}/sources", {
    path: { ...path, message_id: question?.message_id ?? "" },
  });
  const cited = sources.map(citedOf);
  const lines = cited.map(({ sentence, number }) => `- ${sentence} [${number}]`);
  const content = `${lines.join("\n")}\n\nZebras xylophone quietly. [1]\n\n\`code [1]\` and [61]`;
  const body = { role: "assistant", content, parent_id: question?.message_id };
  await api.call("POST /api/sessions/{session_id}/messages", { path, body });
  return { sessionId, cited };
}

interface Seen {
  number: number;
  name: string;
  page: number;
  /** What is marked in a text. */
  text: string;
  /** On a drawn page: its place, in shares of the page. */
  marks: { left: number; middle: number; height: number }[];
  isInSight: boolean;
}

/** Clicks the marks of these numbers, one after another, and says what each opened. */
function clickAll({ numbers, pages }: { numbers: number[]; pages: number[] }): Promise<Seen[]> {
  const until = async <Found>(find: () => Found | null | undefined | false): Promise<Found> => {
    for (let n = 0; n < 3000; n += 1) {
      const found = find();
      if (found) return found;
      await new Promise((done) => setTimeout(done, 10));
    }
    throw new Error(`nothing came of it: ${document.querySelector("[data-page]")?.textContent?.slice(0, 200)}`);
  };
  const look = async (number: number, page: number): Promise<Seen> => {
    const answer = [...document.querySelectorAll(".md")].at(-1);
    const chip = [...(answer?.querySelectorAll<HTMLElement>(".md-cite") ?? [])].find(
      (each) => each.textContent === String(number),
    );
    chip?.click();
    const region = await until(() => {
      const [shown] = document.querySelectorAll<HTMLElement>(`[data-page="${page}"][aria-busy=false]`);
      const drawn = shown?.querySelector<HTMLElement>("[data-drawn]");
      return shown?.querySelector(".document-mark") && drawn?.dataset.drawn !== "false" && shown;
    });
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const sheet = region.querySelector("[data-drawn]")?.getBoundingClientRect();
    const found = [...region.querySelectorAll(".document-mark")];
    const frame = region.getBoundingClientRect();
    const seen = {
      number,
      name: region.parentElement?.querySelector("h2")?.textContent ?? "",
      page: Number(region.dataset.page),
      text: sheet ? "" : found.map((mark) => mark.textContent).join("|"),
      marks: found.flatMap((mark) => {
        const box = mark.getBoundingClientRect();
        if (!sheet) return [];
        return [
          {
            left: (box.left - sheet.left) / sheet.width,
            middle: ((box.top + box.bottom) / 2 - sheet.top) / sheet.height,
            height: box.height / sheet.height,
          },
        ];
      }),
      isInSight: found.every((mark) => {
        const { top, bottom } = mark.getBoundingClientRect();
        return top >= frame.top - 1 && bottom <= frame.bottom + 1;
      }),
    };
    if (document.querySelector("[role=dialog]")) {
      region.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
      await until(() => !document.querySelector("[role=dialog]"));
    }
    return seen;
  };
  return numbers.reduce<Promise<Seen[]>>(
    async (before, number, n) => [...(await before), await look(number, pages[n] ?? 0)],
    Promise.resolve([]),
  );
}

/** What is wrong with what was seen; []: it is the right page, and the right span is marked where one sees it. */
function wrongIn(seen: Seen, { name, page, place, sentence }: Cited): string[] {
  const at = `[${seen.number}] ${name} ${page}`;
  const isPdf = name.endsWith(".pdf");
  const [mark] = seen.marks;
  const middle = (PDF.firstLine + place * PDF.line - PDF.size * 0.35) / PDF.height;
  return [
    sentence === "" && `${at}: the source has no such sentence`,
    seen.name !== name && `${at}: it shows ${seen.name}`,
    seen.page !== page && `${at}: it shows page ${seen.page}`,
    !seen.isInSight && `${at}: the mark is out of sight`,
    !isPdf && seen.text.trim() !== sentence && `${at}: “${seen.text}” is marked, not “${sentence}”`,
    isPdf && seen.marks.length !== 1 && `${at}: ${seen.marks.length} lines are marked`,
    isPdf && mark && Math.abs(mark.middle - middle) > 8 / PDF.height && `${at}: another line is marked`,
    isPdf && mark && Math.abs(mark.left - PDF.left / PDF.width) > 0.01 && `${at}: it is marked elsewhere in its line`,
    isPdf && mark && mark.height > 30 / PDF.height && `${at}: more than a line is marked`,
  ].filter((each) => typeof each === "string");
}

test("each of sixty citations opens its page at its sentence: at a desk, and in Korean on a phone", async () => {
  const desk = await scene.visitor("ann");
  const { sessionId, cited } = await askAndCite(desk.page, desk.api);
  expect(cited.length).toBe(60);
  const phone = await scene.visitor("ann", { language: "ko", width: 375, height: 740, isPhone: true });
  const wrong: string[] = [];
  for (const [{ page }, mine] of [
    [desk, cited.filter(({ number }) => number % 3 > 0)],
    [phone, cited.filter(({ number }) => number % 3 === 0)],
  ] as const) {
    await page.goto(`/chat/${sessionId}`);
    await page.locator(".md-cite").first().waitFor();
    const asked = { numbers: mine.map(({ number }) => number), pages: mine.map((each) => each.page) };
    const seen = await page.evaluate(clickAll, asked);
    wrong.push(...mine.flatMap((each, n) => (seen[n] ? wrongIn(seen[n], each) : [`[${each.number}] was not seen`])));
  }
  expect(wrong).toEqual([]);

  // By keyboard, and what cites without support.
  const { page, api, watch } = desk;
  const first = page.locator(".md-cite").first();
  await first.focus();
  await page.keyboard.press("Enter");
  const viewer = page.getByRole("complementary", { name: named("documents.viewer") });
  await viewer.waitFor();
  expect(await violations(page)).toEqual([]);
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await violations(page, { onlyColours: true })).toEqual([]);
  await page.keyboard.press("Escape");
  await viewer.waitFor({ state: "detached" });
  expect(await first.evaluate((chip) => chip === document.activeElement)).toBe(true);
  expect(await page.locator(".md-cite").count()).toBe(61);
  const doubtful = page.locator(".md-cite-doubtful");
  expect(await doubtful.textContent()).toBe("1?");
  expect(await doubtful.getAttribute("aria-label")).toMatch(/check\.$/);
  await phone.page.locator(".md-cite").first().click();
  await phone.page.getByRole("dialog").waitFor();
  await phone.page.locator(".document-mark").first().waitFor();
  expect(await violations(phone.page)).toEqual([]);

  // A document that is gone says so, and what was cited of it is still there.
  const { data } = await api.call("GET /api/documents", {});
  const gone = data.find(({ name }) => name === "notes.md")?.document_id ?? "";
  for (const each of [watch, phone.watch]) each.foresee(/status of 404/); // whoever has it open asks for it again
  await api.call("DELETE /api/documents/{document_id}", { path: { document_id: gone } });
  await phone.page.getByText(/^원본 문서가 삭제/).waitFor();
  await page.reload();
  const lost = cited.find(({ name }) => name === "notes.md");
  await page.locator(".md-cite", { hasText: new RegExp(`^${lost?.number}$`) }).click();
  await viewer.getByText(/passage that the chat kept/).waitFor();
  expect(await viewer.getByRole("blockquote").textContent()).toContain(lost?.sentence);
});

test("the documents page: a file is uploaded, found by what is in it, put into a collection, deleted and back", async () => {
  const { page, api } = await scene.visitor("bob");
  await page.goto("/documents");
  await page.getByText(/^No documents yet/).waitFor();
  await page.locator("main input[type=file]").setInputFiles(paths);
  const rows = page.locator("li[data-status=ready]");
  await expect.poll(() => rows.count()).toBe(3);
  await page.getByRole("button", { name: named("documents.newCollection") }).click();
  await page.keyboard.type("Prices");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Prices" }).waitFor();
  await page.getByRole("button", { name: named("documents.all"), exact: true }).click();
  await expect.poll(() => rows.count()).toBe(3);
  await page.getByLabel("Menu for prices.xlsx").click();
  await page.getByRole("menuitem", { name: named("documents.file") }).click();
  await page.getByRole("checkbox", { name: "Prices" }).click();
  await expect.poll(() => page.getByRole("checkbox", { name: "Prices" }).isChecked()).toBe(true);
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Prices (1)" }).waitFor();

  await page.getByRole("searchbox", { name: named("documents.search") }).fill("sheet 4002원");
  const found = page.getByRole("region", { name: named("documents.hits") });
  const hit = found.getByRole("button").filter({ hasText: /prices\.xlsx · Page 4/ });
  await hit.first().click();
  await page.locator("mark.document-mark").waitFor();
  expect(await page.locator("[data-page]").getAttribute("data-page")).toBe("4");
  expect(await page.locator("mark.document-mark").textContent()).toContain("sheet-4-2의");
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: named("documents.nextPage") }).click();
  await page.locator('[data-page="5"]').waitFor();
  await page.keyboard.press("Escape");
  await page.locator("[data-page]").waitFor({ state: "detached" });

  await page.getByRole("searchbox", { name: named("documents.search") }).fill("");
  await page.getByLabel("Menu for notes.md").click();
  await page.getByRole("menuitem", { name: named("documents.delete") }).click();
  await expect.poll(() => rows.count()).toBe(2);
  await page.getByRole("button", { name: named("common.undo") }).click();
  await expect.poll(() => rows.count()).toBe(3);
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await violations(page)).toEqual([]);

  const phone = await scene.visitor("bob", { language: "ko", width: 375, height: 740, isPhone: true });
  await phone.page.goto("/documents");
  await expect.poll(() => phone.page.locator("li[data-status=ready]").count()).toBe(3);
  expect(await phone.page.evaluate(() => document.documentElement.scrollWidth)).toBe(375);
  expect(await violations(phone.page)).toEqual([]);
  const { data } = await api.call("GET /api/documents", {});
  expect(data.map(({ name }) => name).sort()).toEqual([...NAMES].sort());
});
