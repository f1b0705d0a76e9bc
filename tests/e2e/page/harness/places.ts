/** Every view of the page with something in it, for checks that go through all of them. */
import type { Page } from "playwright-core";
import type { Visitor } from "./stage";
import { named } from "./words";

export interface Place {
  name: string;
  path: string;
  /** A selector of what is seen when the view is there. */
  mark: string;
  /** What its visitor does there first. */
  act?: (page: Page) => Promise<void>;
  /** What lies over a view that is a place of its own: a selector of the part that is new here. */
  part?: string;
}

/** One of everything that an answer can hold. */
export const RICH_ANSWER = `## A heading

A paragraph with **bold**, *italic*, \`code\`, ~~struck~~ and a [link](https://example.org/page).

1. one
2. two
   - [x] done
   - [ ] to do

> A quotation.

| City | People | Share |
|:-----|-------:|:-----:|
| Seoul | 9,400,000 | 18 % |
| Busan | 3,300,000 | 6 % |

\`\`\`python
def greet(name: str) -> str:  # a comment
    return f"Hello, {name}" if name else "Hello"
\`\`\`

Mass and energy: $E = mc^2$, and

$$
\\int_0^1 x^2\\,dx = \\frac{1}{3}
$$

![a picture](https://example.org/picture.png)

---

The end.[^1]

[^1]: A footnote.
`;

/** What the places need to be there. The chat's id and its public link. */
export async function furnish({ api }: Visitor): Promise<{ sessionId: string; token: string }> {
  const sessionId = await api.chat("A chat with everything", [
    "Show me one of everything.",
    RICH_ANSWER,
    "그리고 한국어로도요.",
    "네, **모델(LLM)**은 한국어도 씁니다.",
  ]);
  const path = { session_id: sessionId };
  const { data } = await api.call("GET /api/sessions/{session_id}/messages", { path });
  const [question] = data;
  // A sibling, so that ‹ 1/2 › is there; the first branch is shown again.
  const body = { content: "Show me two of everything.", parent_id: null };
  await api.call("POST /api/sessions/{session_id}/messages", { path, body });
  const last = data.at(-1)?.message_id ?? question?.message_id ?? "";
  await api.call("POST /api/sessions/{session_id}/head", { path, body: { message_id: last } });
  for (const [n, title] of ["Pinned", "Yesterday's question", "세 번째 대화"].entries()) {
    const other = await api.chat(title, ["Hello?", "Hello."]);
    const changes = { is_pinned: n === 0 };
    await api.call("PATCH /api/sessions/{session_id}", { path: { session_id: other }, body: changes });
  }
  // One for each visit that takes one away to see the notice of it.
  const presets = ["one", "two", "three", "four"].map((name) => ({ name, text: `Say ${name}.`, systemPrompt: "" }));
  await api.call("PATCH /api/profile", { body: { preferences: { presets } } });
  const { token } = await api.call("POST /api/sessions/{session_id}/links", { path, body: {} });
  return { sessionId, token };
}

const ADMIN = ["", "/models", "/engine", "/keys", "/usage", "/audit", "/storage"];

/** With an account that is an admin's: views, and what is asked and told over them. */
export function placesOf({ sessionId }: { sessionId: string }): Place[] {
  const chat = { path: `/chat/${sessionId}`, mark: ".md .katex" };
  const settings = { path: "/settings", mark: VIEW };
  const profile = { path: "/profile", mark: VIEW };
  const accounts = { path: "/admin/users", mark: VIEW };
  const menu = (name: string, act: Act): Place => ({ name, ...chat, act, part: MENU });
  const dialog = (name: string, view: Pick<Place, "path" | "mark">, act: Act): Place => ({
    name,
    ...view,
    act: async (page) => {
      await act(page);
      await page.locator(DIALOG).waitFor();
    },
    part: DIALOG,
  });
  const ofChat = openMenu("main header button[aria-haspopup=menu]");
  const ofAccount = openMenu("main tbody button[aria-haspopup=menu]");
  return [
    { name: "new chat", path: "/", mark: "textarea" },
    { name: "chat", ...chat },
    menu("chat's menu", openMenu("nav .row-more button", "in the sidebar")),
    menu("this chat's menu", ofChat),
    menu("news", openMenu("nav > div button[aria-haspopup=menu]", "in the sidebar")),
    menu("models", openMenu("main textarea ~ div button[aria-haspopup=menu]")),
    menu("account's menu", openMenu("nav > button[aria-haspopup=menu]", "in the sidebar")),
    dialog("settings of a chat", chat, chosen("chat.settings.title", ofChat)),
    dialog("sharing", chat, chosen("chat.share", ofChat)),
    dialog("moving to a folder", chat, chosen("folders.move", openMenu("nav .row-more button", "in the sidebar"))),
    { name: "chat, editing", ...chat, act: edit },
    { name: "temporary chat", path: "/temporary", mark: "textarea" },
    { name: "no such chat", path: "/chat/0199aaaa-0000-7000-8000-000000000000", mark: "[role=alert] button" },
    { name: "profile", ...profile },
    dialog("a new key", profile, press("keys.make")),
    { name: "settings", ...settings },
    dialog("a new prompt", settings, press("presets.new")),
    dialog("import", settings, press("import.title")),
    { name: "a notice", ...settings, act: removePreset, part: "[role=status]:has(button)" },
    { name: "search", path: "/", mark: "textarea", act: search },
    ...ADMIN.map((path) => ({ name: `admin${path}`, path: `/admin${path}`, mark: VIEW })),
    { name: "admin/users", ...accounts },
    dialog("a new account", accounts, press("admin.users.create")),
    dialog("an invitation", accounts, press("admin.users.invite")),
    dialog("a quota", accounts, chosen("admin.users.setQuota", ofAccount)),
    dialog("a new password", accounts, chosen("admin.users.resetPassword", ofAccount)),
  ];
}

/** Without an account. */
export function publicPlacesOf({ token }: { token: string }): Place[] {
  return [
    { name: "login", path: "/login", mark: "form" },
    { name: "register", path: "/register", mark: "form" },
    { name: "shared", path: `/shared/${token}`, mark: ".md .katex" },
    { name: "shared no more", path: "/shared/nothing", mark: "[role=alert]" },
  ];
}

/**
 * Each place in turn, when it is there. One goes on within the page as its links do, and loads it anew where another
 * document begins or where what was done before stays behind: a whole load costs more than most of what is checked.
 */
export async function* tour(page: Page, places: readonly Place[]): AsyncGenerator<Place> {
  let last: Place | null = null;
  for (const place of places) {
    if (last === null || documentOf(last) !== documentOf(place) || !(await isLeft(page, last))) {
      await page.goto(place.path);
    } else if (last.path !== place.path) {
      await follow(page, place);
    }
    await page.locator(`${place.mark}:not([data-left])`).first().waitFor();
    await place.act?.(page);
    await settled(page);
    yield place;
    last = place;
  }
}

/** Each is a document of its own: the administration, and every view of who has no account. */
function documentOf({ path }: Place): string {
  return /^\/(?:admin|login|register|shared)/.exec(path)?.[0] ?? "chat";
}

/** Closes what lies over the view, a drawer too. False: something else was done there. */
async function isLeft(page: Page, { act, part }: Place): Promise<boolean> {
  if (!act) return true;
  if (part !== MENU && part !== DIALOG) return false;
  const selector = `${MENU}, ${DIALOG}`;
  for (let num = await page.locator(selector).count(); num > 0; num = await page.locator(selector).count()) {
    await page.keyboard.press("Escape");
    const isFewer = ([there, before]: [string, number]) => document.querySelectorAll(there).length < before;
    await page.waitForFunction(isFewer, [selector, num] as [string, number]);
  }
  return true;
}

/** As a link of the page does. What has the mark of the next view already is not that view. */
export async function follow(page: Page, { path, mark }: Pick<Place, "path" | "mark">): Promise<void> {
  await page.evaluate(
    ([there, selector]) => {
      for (const element of document.querySelectorAll(selector)) element.setAttribute("data-left", "");
      history.pushState(null, "", there);
      dispatchEvent(new PopStateEvent("popstate"));
    },
    [path, mark] as const,
  );
}

/** When nothing spins any more. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => !document.querySelector("[role=progressbar]:not([aria-valuenow])"));
}

type Act = (page: Page) => Promise<void>;

export const MENU = ".MuiMenu-root";
export const DIALOG = "[role=dialog]";
const VIEW = "main h1";

function openMenu(selector: string, where?: "in the sidebar"): Act {
  return async (page) => {
    if (where) await openSidebar(page);
    await page.locator(selector).first().click();
    await page.locator("[role=menu]").waitFor();
  };
}

/** On a narrow screen it is a drawer. */
async function openSidebar(page: Page): Promise<void> {
  if (await page.locator("nav").isVisible()) return;
  await page.getByRole("button", { name: named("layout.openSidebar") }).click();
  await page.locator("nav").waitFor();
}

/** Presses the button of that name, by its key in the locales. */
function press(key: string): Act {
  return (page) =>
    page
      .getByRole("button", { name: named(key) })
      .first()
      .click();
}

function chosen(key: string, open: Act): Act {
  return async (page) => {
    await open(page);
    await page.getByRole("menuitem", { name: named(key) }).click();
  };
}

async function removePreset(page: Page): Promise<void> {
  await press("presets.delete")(page);
  await page.getByRole("button", { name: named("common.undo") }).waitFor();
}

async function edit(page: Page): Promise<void> {
  await press("chat.edit")(page);
  await page.locator("article textarea").waitFor();
}

async function search(page: Page): Promise<void> {
  await openSidebar(page);
  await page.locator("input[type=search]").fill("everything");
  await page.locator("nav li a").first().waitFor();
  await page.locator("nav mark").first().waitFor();
}
