import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { CitationsOf } from "./citations-context";
import { Markdown } from "./markdown";

function shown(text: string, isLive = false): HTMLElement {
  return render(<Markdown text={text} isLive={isLive} />).container;
}

test("HTML is shown as text, not obeyed", () => {
  const page = shown('a <img src=x onerror="alert(1)"> b\n\n<script>alert(2)</script>\n\n<iframe src="https://x">');
  expect(page.querySelector("img, script, iframe")).toBeNull();
  expect(page.textContent).toContain('<img src=x onerror="alert(1)">');
  expect(page.textContent).toContain("<script>alert(2)</script>");
});

test.each([
  "[a](javascript:alert(1))",
  "[a](java&#115;cript:alert(1))",
  "[a](data:text/html,<b>x)",
  "[a](file:///etc/passwd)",
  "[a](/api/auth/logout)",
  "[a](//evil.example)",
  "<javascript:alert(1)>",
])("no link: %s", (text) => {
  expect(shown(text).querySelector("a")).toBeNull();
});

test("links leave without a word about the page", () => {
  const link = shown("[site](https://example.org/a?b=1&amp;c=2) <a@example.org>").querySelector("a");
  expect(link?.getAttribute("href")).toBe("https://example.org/a?b=1&c=2");
  expect(link?.rel).toContain("noopener");
  expect(link?.target).toBe("_blank");
});

test("a picture is not loaded by itself", () => {
  const page = shown("![cat](https://example.org/cat.png) ![dot](data:image/png;base64,iVBORw0KGgo=)");
  expect(page.querySelector("img")).toBeNull();
  expect(page.querySelector("a")?.textContent).toBe("Open image: cat (example.org)");
  fireEvent.click(screen.getByRole("button", { name: "Show image: dot" }));
  expect(page.querySelector("img")?.alt).toBe("dot");
});

test("code says its language, can be copied, and is coloured when it is finished", async () => {
  const writeText = vi.fn(async () => undefined);
  vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText } });
  const code = "def f():\n    return '<b>'";
  const page = shown(`\`\`\`python\n${code}\n\`\`\``);
  await waitFor(() => expect(page.querySelector(".hljs-keyword")?.textContent).toBe("def"));
  expect(page.querySelector("pre")?.textContent).toBe(code);
  expect(page.querySelector("figcaption span")?.textContent).toBe("python");
  fireEvent.click(screen.getByRole("button", { name: "Copy" }));
  expect(await screen.findByRole("button", { name: "Copied" })).toBeDefined();
  expect(writeText).toHaveBeenCalledWith(code);
  vi.unstubAllGlobals();
});

test("code without a language has a name still, is wrapped on request, and kept as a file", async () => {
  const page = shown("```\na long line\n```\n\n```python\nx\n```\n\n```no-such-language\ny\n```");
  expect([...page.querySelectorAll("figcaption span:first-child")].map((name) => name.textContent)).toEqual(
    expect.arrayContaining(["Code", "python", "no-such-language"]),
  );
  const [wrap] = screen.getAllByRole("button", { name: "Wrap lines" });
  if (!wrap) throw new Error("there is no button");
  expect(wrap.getAttribute("aria-pressed")).toBe("false");
  fireEvent.click(wrap);
  expect(wrap.getAttribute("aria-pressed")).toBe("true");
  expect([...page.querySelectorAll("pre")].map((pre) => pre.className)).toEqual(["md-wrapped", "", ""]);
  const kept: string[] = [];
  const saved = vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
    kept.push(`${this.download} ${this.protocol}`);
  });
  vi.stubGlobal("URL", Object.assign(URL, { createObjectURL: () => "blob:x", revokeObjectURL: () => undefined }));
  for (const button of screen.getAllByRole("button", { name: "Download" })) fireEvent.click(button);
  await waitFor(() => expect(kept).toEqual(["code.txt blob:", "code.py blob:", "code.txt blob:"]));
  saved.mockRestore();
  vi.unstubAllGlobals();
});

test("two tables are no two landmarks of one name, and cells with a sentence keep its width", () => {
  const page = shown(`| a | b |\n|-|-|\n| 1 | ${"word ".repeat(20)} |\n\n| c |\n|-|\n| a longer cell |`);
  expect(screen.queryAllByRole("region")).toEqual([]);
  expect(screen.getAllByRole("group", { name: "Table" }).map((table) => table.tabIndex)).toEqual([0, 0]);
  expect([...page.querySelectorAll("td")].map((cell) => cell.className)).toEqual(["", "md-sentence", "md-long"]);
});

test("code of two languages in one, and of none that we know, keeps its text", async () => {
  const html = "<style>a { color: red }</style>";
  const page = shown(`\`\`\`html\n${html}\n\`\`\`\n\n\`\`\`nonsense\n<b>\n\`\`\``);
  await waitFor(() => expect(page.querySelector(".hljs-name")).not.toBeNull());
  expect([...page.querySelectorAll("pre")].map((pre) => pre.textContent)).toEqual([html, "<b>"]);
});

test("tables, tasks, headings, quotes, breaks", () => {
  const page = shown("# H\n\n| a | b |\n|:-:|--:|\n| 1<br>2 | `x` |\n\n- [x] done\n- [ ] open\n\n> q\n\none\ntwo");
  expect(page.querySelector("h3")?.textContent).toBe("H");
  expect(page.querySelectorAll("td br")).toHaveLength(1);
  expect(page.querySelector("td")?.className).toBe("md-center");
  expect(screen.getByRole("checkbox", { name: "Done" })).toHaveProperty("checked", true);
  expect(screen.getByRole("checkbox", { name: "To do" })).toHaveProperty("checked", false);
  expect(page.querySelector("blockquote")?.textContent).toBe("q");
  expect(page.querySelector("p:last-child br")).not.toBeNull();
});

test("a heading without its space is one; a date is no list; great numbers have room", () => {
  const page = shown("##제목 **둘(2)**은\n글\n\n2026. 11. 30. 회의\n\n#태그\n\n120. 항목");
  expect(page.querySelector(".md-h2")?.textContent).toBe("제목 둘(2)은");
  expect([...page.querySelectorAll("p")].map((block) => block.textContent)).toEqual([
    "글",
    "2026. 11. 30. 회의",
    "#태그",
  ]);
  expect(page.querySelector("ol.md-wide-numbers li")?.getAttribute("value")).toBe("120");
  expect(shown("1. 하나").querySelector(".md-wide-numbers")).toBeNull();
});

test("numbered items keep the numbers that they were written with", () => {
  const numbers = (text: string) => [...shown(text).querySelectorAll("li")].map((item) => item.getAttribute("value"));
  expect(numbers("3. c\n5. e\n2026. 11월")).toEqual(["3", "5", "2026"]);
  expect(numbers("1. a\n1. b\n1. c")).toEqual(["1", "2", "3"]);
  expect(numbers("0) a\n1) b")).toEqual(["0", "1"]);
  expect(numbers("- a\n- b")).toEqual([null, null]);
});

test("math becomes formulas, money stays money", async () => {
  const page = shown("$5 and $10, 값은 $x^2$이다 \\(y\\)\n\n$$\n\\frac{a}{b}\n$$\n\n`$z$`");
  await waitFor(() => expect(page.querySelectorAll("math")).toHaveLength(3));
  expect(page.textContent).toContain("$5 and $10");
  expect(page.textContent).toContain("$z$");
});

test("a formula that is none is shown as it was written", async () => {
  const page = shown("$\\frac{a$ $\\href{javascript:alert(1)}{x}$ $y$");
  await waitFor(() => expect(page.querySelector("math")).not.toBeNull());
  expect(page.textContent).toContain("\\frac{a");
  expect(page.querySelector("a")).toBeNull();
});

test("reasoning is folded away from the answer", () => {
  const page = shown("<think>\nfirst **this**\n</think>\n\nThe *answer*");
  expect(page.querySelector("details div")?.textContent).toBe("first **this**");
  expect(page.querySelector("details")?.open).toBe(false);
  expect(page.querySelector("em")?.textContent).toBe("answer");
  expect(shown("<think>still", true).querySelector("summary")?.textContent).toBe("Thinking…");
  const opened = shown("the template opened it\n</think>\nanswer");
  expect(opened.querySelector("details div")?.textContent).toBe("the template opened it");
  expect(shown("write `</think>` at the end").querySelector("details")).toBeNull();
});

test("a thought between parts of an answer is folded away where it stands", () => {
  const page = shown("first\n\n<think>\nthen\n</think>\n\nlast\n\n<think>\nand", true);
  expect([...page.querySelectorAll("details div")].map((thought) => thought.textContent)).toEqual(["then", "and"]);
  expect([...page.querySelectorAll("summary")].map((summary) => summary.textContent)).toEqual([
    "Reasoning",
    "Thinking…",
  ]);
  expect(shown("`<think>` opens\n\n<think> is a tag").querySelector("details")).toBeNull();
});

test("each block runs in the direction of its text; code, formulas and addresses from left to right", async () => {
  const page = shown(
    "# عنوان\n\nنص `code` $x$ https://example.com\n\n- عنصر\n- item\n\n  متابعة\n\n> اقتباس\n\n| أ | b |\n|-|-|\n| ١ | 2 |\n\n" +
      "```js\nx\n```\n\n<b>\n\nنص[^1]\n\n[^1]: ملاحظة",
  );
  await waitFor(() => expect(page.querySelector("math")).not.toBeNull());
  const without = [...page.querySelectorAll("h3, p, li, blockquote, table")].filter(
    (block) => block.getAttribute("dir") !== "auto" && block.parentElement?.firstElementChild !== block,
  );
  expect(without).toEqual([]);
  expect(page.querySelector("blockquote p")?.getAttribute("dir")).toBeNull(); // the quote has it
  for (const fixed of page.querySelectorAll("code, sup, a, figure, span:has(> .katex)")) {
    expect(fixed.closest("[dir]")?.getAttribute("dir"), fixed.outerHTML).toBe("ltr");
  }
});

test("blocks say the language that their lines break by", () => {
  const page = shown("한국어 문단\n\nこれは日本語です\n\n- 这是一个很长的中文句子\n\nEnglish");
  expect([...page.querySelectorAll("p, li")].map((block) => block.getAttribute("lang"))).toEqual([
    "ko",
    "ja",
    "zh",
    null,
  ]);
});

test("tags that only say how words look are obeyed, without attributes; others are shown", () => {
  const page = shown(
    "Press <kbd>Ctrl</kbd>+<kbd>C</kbd>, H<sub>2</sub>O, x<sup>2</sup>, <b>a <i>**b**</i></b> <u>u</u> <MARK>m</MARK>\n\n" +
      '<b onclick="pwned()">no</b> <sub>open, </b> <i>crossed <b>over</i> end</b>',
  );
  expect([...page.querySelectorAll("kbd")].map((key) => key.textContent)).toEqual(["Ctrl", "C"]);
  expect(page.querySelector("b i strong")?.textContent).toBe("b");
  expect(page.querySelector("p")?.textContent).toBe("Press Ctrl+C, H2O, x2, a b u m");
  const wrong = page.querySelector("p:last-child");
  expect(wrong?.textContent).toBe('<b onclick="pwned()">no</b> <sub>open, </b> crossed <b>over end</b>');
  expect([...(wrong?.querySelectorAll("*") ?? [])].map((element) => element.tagName)).toEqual(["I"]);
  expect(
    [...page.querySelectorAll("kbd, b, i, u, sub, sup, mark")].filter((each) => each.attributes.length > 0),
  ).toEqual([]);
});

test("tags in tags without end are no stack without end", () => {
  const page = shown(`${"<b>".repeat(3000)}x${"</b>".repeat(3000)}`);
  expect(page.querySelectorAll("b")).toHaveLength(16);
  expect(page.textContent).toContain("<b>x</b>");
});

test("details fold away what is markdown", () => {
  const page = shown("before\n<details>\n<summary>**More**</summary>\n\n- one\n- two\n\n</details>\n\nafter");
  expect(page.querySelector("details summary strong")?.textContent).toBe("More");
  expect(page.querySelectorAll("details li")).toHaveLength(2);
  expect(page.querySelector("details")?.open).toBe(false);
  expect([...page.querySelectorAll(".md > p")].map((block) => block.textContent)).toEqual(["before", "after"]);
  const nested = shown("<details><summary>a</summary>x<br>\n<details>\n\n`y`\n</details>\n</details>");
  expect(nested.querySelector("details details code")?.textContent).toBe("y");
  expect(nested.querySelector("details details summary")?.textContent).toBe("Details");
  expect(shown("<details>\n<summary>Mo", true).querySelector("details")?.open).toBe(true);
  expect(shown('<details ontoggle="pwned()">\nx').querySelector("details")).toBeNull();
});

test("footnotes stand where they belong", () => {
  const page = shown("claim[^1]\n\n[^1]: https://example.org says so");
  expect([...page.querySelectorAll("sup")].map((sup) => sup.textContent)).toEqual(["1", "1"]);
  expect(page.textContent).toContain("says so");
});

test.each([
  ["a word", "line"],
  ["# title", "line"],
  ["- one\n- two", "list"],
  ["```\ncode", "code"],
  ["| a |\n|-|\n| 1 |", "below"],
  ["<think>still", "below"],
])("while it grows a sign stands at its end: %s", (text, place) => {
  expect(shown(text, true).firstElementChild?.className).toBe(`md md-live md-live-${place}`);
  expect(shown(text).firstElementChild?.className).toBe("md");
});

test("of a growing text only what changed is rendered again", () => {
  const { container, rerender } = render(<Markdown text={"one\n\ntwo\n\nthree\n\nfo"} isLive />);
  const before = [...container.querySelectorAll("p")];
  rerender(<Markdown text={"one\n\ntwo\n\nthree\n\nfour &amp; five"} isLive />);
  const after = [...container.querySelectorAll("p")];
  expect(after.slice(0, 3)).toEqual(before.slice(0, 3));
  expect(after[3]?.textContent).toBe("four & five");
});

test("a mark becomes a chip where a source has its number: not in code, and not what is a link", () => {
  const opened: string[] = [];
  const citationOf = (number: number, place: number) =>
    number > 3
      ? null
      : {
          name: `Source ${number}`,
          isSupported: !(number === 2 && place === 1),
          open: () => opened.push(`${number} ${place}`),
        };
  const text = [
    "환불은 7일입니다[1]. **굵게 [2]** [9] `code [1]` [link][1](https://a.b) [1](https://a.b) and【3】",
    "- an item [1, 2]\n- [2] again\n\n| a | b |\n|---|---|\n| [3] | x |",
    "```\ncode [1]\n```",
    "\n[1, 9] stays",
  ].join("\n\n");
  const page = render(
    <CitationsOf value={citationOf}>
      <Markdown text={text} />
    </CitationsOf>,
  ).container;
  const chips = [...page.querySelectorAll<HTMLElement>(".md-cite")];
  expect(chips.map((chip) => chip.textContent)).toEqual(["1", "2", "3", "1", "2?", "2", "3"]);
  expect(chips[4]?.getAttribute("aria-label")).toBe(
    "Source 2. Nothing in this sentence was found in the source. Open it and check.",
  );
  for (const chip of chips) fireEvent.click(chip);
  expect(opened).toEqual(["1 0", "2 0", "3 0", "1 1", "2 1", "2 2", "3 1"]);
  expect(page.textContent).toContain("[9] code [1]");
  expect(page.textContent).toContain("[1, 9] stays");
});

test("a mark is the same while the text grows, and where nothing is cited it is text", () => {
  const places: string[] = [];
  const citationOf = (number: number, place: number) => {
    places.push(`${number} ${place}`);
    return { name: "", isSupported: true, open: () => undefined };
  };
  const text = "one [1]\n\ntwo [1]\n\nthree [1] and [2]\n\nfour [1]";
  const at = (length: number, isLive: boolean) => (
    <CitationsOf value={citationOf}>
      <Markdown text={text.slice(0, length)} isLive={isLive} />
    </CitationsOf>
  );
  const page = render(at(1, true));
  for (let length = 2; length <= text.length; length += 1) page.rerender(at(length, length < text.length));
  expect(new Set(places)).toEqual(new Set(["1 0", "1 1", "1 2", "2 0", "1 3"]));
  expect(shown("[1] and [2](https://a.b)\n\n[3]\n\n[3]: https://c.d").textContent).toBe("[1] and 23");
});
