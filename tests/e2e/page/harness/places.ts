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

const ADMIN = ["", "/models", "/engine", "/users", "/keys", "/usage", "/audit", "/storage"];

/** With an account that is an admin's. */
export function placesOf({ sessionId }: { sessionId: string }): Place[] {
  const chat = { path: `/chat/${sessionId}`, mark: ".md .katex" };
  const menu = (name: string, path: string, mark: string, act: Act): Place => ({ name, path, mark, act, part: MENU });
  return [
    { name: "new chat", path: "/", mark: "textarea" },
    { name: "chat", ...chat },
    { name: "chat, editing", ...chat, act: edit },
    menu("chat's menu", chat.path, chat.mark, openMenu("nav .row-more button", "in the sidebar")),
    menu("this chat's menu", chat.path, chat.mark, openMenu("main header button[aria-haspopup=menu]")),
    menu("news", chat.path, chat.mark, openMenu("nav > div button[aria-haspopup=menu]", "in the sidebar")),
    { name: "temporary chat", path: "/temporary", mark: "textarea" },
    menu("models", chat.path, chat.mark, openMenu("main textarea ~ div button[aria-haspopup=menu]")),
    menu("account's menu", chat.path, chat.mark, openMenu("nav > button[aria-haspopup=menu]", "in the sidebar")),
    { name: "search", path: "/", mark: "textarea", act: search },
    { name: "no such chat", path: "/chat/0199aaaa-0000-7000-8000-000000000000", mark: "[role=alert] button" },
    { name: "settings", path: "/settings", mark: "main h1" },
    { name: "profile", path: "/profile", mark: "main h1" },
    ...ADMIN.map((path) => ({ name: `admin${path}`, path: `/admin${path}`, mark: "main h1" })),
  ];
}

/** What is asked and told over a view. */
export function dialogsOf({ sessionId }: { sessionId: string }): Place[] {
  const dialog = (name: string, path: string, act: Act): Place => ({
    name,
    path,
    mark: "main",
    act: async (page) => {
      await act(page);
      await page.locator(DIALOG).waitFor();
    },
    part: DIALOG,
  });
  const chat = `/chat/${sessionId}`;
  const ofChat = openMenu("main header button[aria-haspopup=menu]");
  const ofAccount = openMenu("main tbody button[aria-haspopup=menu]");
  return [
    dialog("settings of a chat", chat, chosen("chat.settings.title", ofChat)),
    dialog("sharing", chat, chosen("chat.share", ofChat)),
    dialog("moving to a folder", chat, chosen("folders.move", openMenu("nav .row-more button", "in the sidebar"))),
    dialog("a new prompt", "/settings", press("presets.new")),
    dialog("import", "/settings", press("import.title")),
    dialog("a new key", "/profile", press("keys.make")),
    dialog("a new account", "/admin/users", press("admin.users.create")),
    dialog("an invitation", "/admin/users", press("admin.users.invite")),
    dialog("a quota", "/admin/users", chosen("admin.users.setQuota", ofAccount)),
    dialog("a new password", "/admin/users", chosen("admin.users.resetPassword", ofAccount)),
    {
      name: "a notice",
      path: "/settings",
      mark: "main h1",
      act: async (page) => {
        await press("presets.delete")(page);
        await page.getByRole("button", { name: named("common.undo") }).waitFor();
      },
      part: "[role=status]:has(button)",
    },
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

export async function go(page: Page, place: Place): Promise<void> {
  await page.goto(place.path);
  await page.locator(place.mark).first().waitFor();
  await place.act?.(page);
  await settled(page);
}

/** When nothing spins any more. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => !document.querySelector("[role=progressbar]:not([aria-valuenow])"));
}

type Act = (page: Page) => Promise<void>;

export const MENU = ".MuiMenu-root";
const DIALOG = "[role=dialog]";

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
