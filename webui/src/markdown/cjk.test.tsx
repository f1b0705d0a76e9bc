import { render } from "@testing-library/react";
import { expect, test } from "vitest";
import { Markdown } from "./markdown";

/** [what a model writes, what is bold or struck in it, with "|" between] */
const CASES: [string, string][] = [
  ["**모델(LLM)**은 좋다", "모델(LLM)"],
  ['**"중요"**합니다', '"중요"'],
  ["**3%**입니다", "3%"],
  ["~~취소(1)~~됨", "취소(1)"],
  ["**`config.py`**를 고치고 **[참고]**도 본다", "config.py|[참고]"],
  ["**日本語(テスト)**です", "日本語(テスト)"],
  ["이것은**(강조)** 다", "(강조)"],
  ["**굵게** 와 **더 굵게**는", "굵게|더 굵게"],
  ["2 ** 3 ** 4 한글", ""],
  ["`**모델(LLM)**은`", ""],
  ["\\*\\*모델(LLM)\\*\\*은", ""],
];

test.each(CASES)("%s", (text, marked) => {
  const { container } = render(<Markdown text={text} />);
  const found = [...container.querySelectorAll("strong, del")].map((element) => element.textContent);
  expect(found.join("|")).toBe(marked);
  if (marked) expect(container.textContent).not.toMatch(/\*\*|~~/);
});
