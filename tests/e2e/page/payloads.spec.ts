/** Two hundred texts that would like to be more than text: nothing of them runs, loads, leads away or breaks the page. */
import type { BrowserContext, Page } from "playwright-core";
import { expect, test } from "vitest";
import { follow } from "./harness/places";
import { stage } from "./harness/stage";
import { PAYLOADS } from "./payloads";

const scene = stage({ model: "none" });
/** Question and answer of each: one page of a thread. */
const PER_CHAT = 14;
const MAX_TITLE = 200;
/** A form of the text that a title takes: one line, no control characters. */
const asTitle = (text: string) =>
  text
    .replace(/\p{C}|\s+/gu, " ")
    .trim()
    .slice(0, MAX_TITLE) || "empty";

/** Says what ran: the texts call `pwned`. */
async function watchFor(context: BrowserContext): Promise<string[]> {
  const ran: string[] = [];
  await context.exposeBinding("pwned", ({ page }) => {
    ran.push(`ran on ${page.url()}`);
  });
  context.on("page", (page) => ran.push(`opened ${page.url()}`));
  return ran;
}

/** What is in the page that no text may put there. */
function intruders(): string[] {
  const found: string[] = [];
  const names =
    "script, style, iframe, object, embed, link, meta, base, form[action], video, audio, portal, dialog, isindex";
  const root = document.querySelector("#root");
  for (const element of root?.querySelectorAll("*") ?? []) {
    if (element.matches(names)) found.push(element.outerHTML.slice(0, 120));
    for (const { name, value } of element.attributes) {
      if (/^on|^srcdoc$|^ping$|^formaction$/i.test(name)) found.push(`${element.tagName} ${name}=${value}`);
      if (name === "style" && /url\(/i.test(value)) found.push(`${element.tagName} style=${value}`);
      if (/^(?:src|srcset|poster|data|background)$/.test(name) && !value.startsWith("/assets/")) {
        found.push(`${element.tagName} ${name}=${value}`);
      }
    }
    if (element instanceof HTMLAnchorElement && !/^(?:https?:|mailto:)$/.test(element.protocol)) {
      found.push(`link to ${element.href}`);
    }
    const leadsAway = element instanceof HTMLAnchorElement && element.origin !== location.origin;
    if (leadsAway && !/noopener|noreferrer/.test(element.rel)) found.push(`link with an opener: ${element.href}`);
  }
  if (document.querySelectorAll("head base, head link[href*=evil], head meta[http-equiv]").length > 0)
    found.push("head");
  if ("polluted" in {} || "isAdmin" in {}) found.push("a prototype was changed");
  return found;
}

async function problemsOf(page: Page): Promise<string[]> {
  await page.evaluate(() => new Promise((done) => setTimeout(done, 150))); // what is loaded lazily comes
  return page.evaluate(intruders);
}

test("there are two hundred", () => {
  expect(PAYLOADS.length).toBeGreaterThanOrEqual(200);
  expect(new Set(PAYLOADS).size).toBe(PAYLOADS.length);
});

test("as questions, answers and titles", async () => {
  const { page, context, api, watch } = await scene.visitor("ann");
  watch.foresee(/\/preview/); // there is no model
  const ran = await watchFor(context);
  const threads: { some: string[]; sessionId: string }[] = [];
  for (let at = 0; at < PAYLOADS.length; at += PER_CHAT) {
    const some = PAYLOADS.slice(at, at + PER_CHAT);
    const messages = some.flatMap((text) => [text, text]);
    threads.push({ some, sessionId: await api.chat(asTitle(some[0] ?? ""), messages) }); // before a page hears of each
  }
  const found: Record<string, string[]> = {};
  await page.goto("/"); // once: what one of them did to the page would still be there at the next
  for (const [number, { some, sessionId }] of threads.entries()) {
    const titled = await Promise.all(some.map((text) => api.chat(asTitle(text), [])));
    await follow(page, { path: `/chat/${sessionId}`, mark: "article" });
    const articles = page.locator("article:not([data-left])");
    await articles.nth(2 * some.length - 1).waitFor();
    expect(await page.getByRole("article").count()).toBe(2 * some.length);
    for (const id of titled) await page.locator(`nav a[href$="${id}"]`).waitFor();
    const problems = await problemsOf(page);
    if (problems.length > 0) found[`chat ${number}`] = problems;
  }
  expect(found).toEqual({});
  expect(ran).toEqual([]);
});

test("as names: of an account, a folder, a key, what is searched for; and to a stranger by link", async () => {
  const ann = await scene.visitor("ann");
  const stranger = await scene.stranger();
  ann.watch.foresee(/\/preview|status of 404/);
  const ran = [await watchFor(ann.context), await watchFor(stranger.context)];
  const name = '<img src=x onerror="pwned()"><script>pwned()</script>';
  await ann.api.call("PATCH /api/profile", { body: { display_name: name } });
  await ann.api.call("POST /api/keys", { body: { name } });
  const some = PAYLOADS.filter((text) => /think|proto|^\$|\[a\]/.test(text)).slice(0, PER_CHAT);
  const sessionId = await ann.api.chat(
    name,
    some.flatMap((text) => [text, text]),
  );
  const path = { session_id: sessionId };
  await ann.api.call("PATCH /api/sessions/{session_id}", { path, body: { folder: name.slice(0, 60) } });
  const { token } = await ann.api.call("POST /api/sessions/{session_id}/links", { path, body: {} });
  const found: Record<string, string[]> = {};
  for (const place of ["/", "/profile", "/admin/users", "/admin/keys", "/admin/audit"]) {
    await ann.page.goto(place);
    await ann.page.locator("main").waitFor();
    found[place] = await problemsOf(ann.page);
  }
  await ann.page.goto("/");
  await ann.page.getByRole("searchbox").fill("pwned");
  await ann.page.locator("nav mark").first().waitFor();
  found.search = await problemsOf(ann.page);
  await stranger.page.goto(`/shared/${token}`);
  await stranger.page
    .getByRole("article")
    .nth(2 * some.length - 1)
    .waitFor();
  found.shared = await problemsOf(stranger.page);
  expect(Object.fromEntries(Object.entries(found).filter(([, list]) => list.length > 0))).toEqual({});
  expect(ran.flat()).toEqual([]);
});
