import { expect, test } from "vitest";
import { scriptLanguage } from "./script-language";

test.each([
  ["환불 메일을 어떻게 쓰면 좋을까요?", "ko"],
  ["pathlib로 CSV 파일을 합치려면 어떻게 하나요", "ko"],
  ["東京の天気はどうですか", "ja"],
  ["今天天气怎么样", "zh"],
  ["Как дела?", "ru"],
])("letters tell the language: %s", (text, language) => {
  expect(scriptLanguage(text)).toBe(language);
});

test.each(["What does 환불 mean in a mail to a shop, and how do I answer it?", "Guten Tag", "12 + 7 = ?", ""])(
  "they do not in: %s",
  (text) => {
    expect(scriptLanguage(text)).toBeNull();
  },
);
