/** Korean as it is typed, searched and set: a syllable in composition, two-syllable words, bold before a particle. */
import type { CDPSession, Page } from "playwright-core";
import { expect, test } from "vitest";
import { field, messages, thread } from "./harness/chat";
import { stage, type Visitor } from "./harness/stage";

const scene = stage({ model: "default" });

/** What an input method does with one key after the other: 요 is ㅇ, then 요. */
const STEPS: Record<string, readonly string[]> = {
  안: ["ㅇ", "아", "안"],
  녕: ["ㄴ", "녀", "녕"],
  하: ["ㅎ", "하"],
  세: ["ㅅ", "세"],
  요: ["ㅇ", "요"],
};

interface Typist extends Visitor {
  keys: CDPSession;
  sessionId: string;
}

async function typist(): Promise<Typist> {
  const visitor = await scene.visitor("ann");
  const sessionId = await visitor.api.chat("", []);
  await visitor.api.tune(sessionId, { max_tokens: 1 });
  await visitor.page.goto(`/chat/${sessionId}`);
  await field(visitor.page).click();
  return { ...visitor, sessionId, keys: await visitor.context.newCDPSession(visitor.page) };
}

async function compose(keys: CDPSession, syllable: string): Promise<void> {
  for (const text of STEPS[syllable] ?? []) {
    await keys.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
  }
}

/** All but the last syllable of 안녕하세요 committed, the last in composition. */
async function hello(keys: CDPSession): Promise<void> {
  for (const syllable of "안녕하세") {
    await compose(keys, syllable);
    await keys.send("Input.insertText", { text: syllable });
  }
  await compose(keys, "요");
}

const ENTER = { key: "Enter", code: "Enter" };

/** Enter while the input method composes: it takes the key (229), commits, and on a Mac the key comes once more. */
async function enter(keys: CDPSession, order: "Chrome" | "Chrome on a Mac" | "Safari"): Promise<void> {
  const taken = { type: "rawKeyDown", ...ENTER, windowsVirtualKeyCode: 229 } as const;
  const commit = () => keys.send("Input.insertText", { text: "요" });
  if (order === "Safari") await commit();
  await keys.send("Input.dispatchKeyEvent", taken);
  if (order !== "Safari") await commit();
  if (order === "Chrome on a Mac") {
    await keys.send("Input.dispatchKeyEvent", { type: "keyDown", ...ENTER, windowsVirtualKeyCode: 13, text: "\r" });
  }
  await keys.send("Input.dispatchKeyEvent", { type: "keyUp", ...ENTER, windowsVirtualKeyCode: 13 });
}

async function sentMessages({ api, sessionId }: Typist): Promise<string[]> {
  const { data } = await api.call("GET /api/sessions/{session_id}/messages", { path: { session_id: sessionId } });
  return data.filter(({ role }) => role === "user").map(({ content }) => content);
}

async function isEmpty(page: Page): Promise<boolean> {
  return (await field(page).inputValue()) === "";
}

for (const order of ["Chrome", "Chrome on a Mac", "Safari"] as const) {
  test(`one Enter in the middle of a syllable sends once, whole, and leaves nothing behind (${order})`, async () => {
    const somebody = await typist();
    await hello(somebody.keys);
    expect(await field(somebody.page).inputValue()).toBe("안녕하세요");
    await enter(somebody.keys, order);
    await thread(somebody.page).getByText("안녕하세요", { exact: true }).waitFor();
    await messages(somebody.page).nth(1).waitFor();
    expect(await sentMessages(somebody)).toEqual(["안녕하세요"]);
    expect(await isEmpty(somebody.page)).toBe(true);
  });
}

test("Shift+Enter breaks the line, and the next Enter sends both lines", async () => {
  const somebody = await typist();
  const { page } = somebody;
  await field(page).pressSequentially("첫째");
  await field(page).press("Shift+Enter");
  await field(page).pressSequentially("둘째");
  await field(page).press("Enter");
  await messages(page).nth(1).waitFor();
  expect(await sentMessages(somebody)).toEqual(["첫째\n둘째"]);
});

test("a two-syllable word is found while it is composed, with its place marked", async () => {
  const { page, api, context } = await scene.visitor("ann");
  const sessionId = await api.chat("주문 문의", ["지난주에 산 신발을 환불받고 싶어요.", "환불은 7일 안에 됩니다."]);
  await api.chat("날씨", ["오늘 날씨는 어때요?", "맑습니다."]);
  await page.goto("/");
  await page.getByRole("searchbox", { name: "Search all chats" }).click();
  const keys = await context.newCDPSession(page);
  await keys.send("Input.imeSetComposition", { text: "환", selectionStart: 1, selectionEnd: 1 });
  await keys.send("Input.insertText", { text: "환" });
  await keys.send("Input.imeSetComposition", { text: "불", selectionStart: 1, selectionEnd: 1 });
  const marks = page.locator("nav mark");
  await marks.first().waitFor();
  expect(new Set(await marks.allInnerTexts())).toEqual(new Set(["환불"]));
  expect(await page.getByRole("navigation").getByRole("link", { name: "날씨" }).count()).toBe(0);
  await page.getByRole("navigation").getByRole("link", { name: "주문 문의" }).first().click();
  await page.waitForURL(new RegExp(`/chat/${sessionId}`));
});

test("bold stands before a particle, and stars that are none stay", async () => {
  const { page, api } = await scene.visitor("ann");
  const bold = ["**모델(LLM)**은", '**"중요"**합니다', "**3%**입니다", "**안내:**를", "**‘참고’**와"];
  const plain = ["2 ** 3 ** 4 한글", "`**코드**`는", "\\**별\\**은"];
  const sessionId = await api.chat("굵게", ["?", [...bold, ...plain].join("\n\n")]);
  await page.goto(`/chat/${sessionId}`);
  const answer = thread(page).locator(".md");
  await answer.waitFor();
  expect(await answer.locator("strong").allInnerTexts()).toEqual(["모델(LLM)", '"중요"', "3%", "안내:", "‘참고’"]);
  expect(await answer.innerText()).toContain("2 ** 3 ** 4 한글");
});
