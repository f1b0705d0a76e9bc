import { expect, test } from "vitest";
import { languageOf } from "./language";

test("a block is in the language that most of its letters are of; a few Han letters say nothing", () => {
  expect(languageOf("plain, с Москвой, مرحبا")).toBeUndefined();
  expect(languageOf("API를 호출합니다 (漢字)")).toBe("ko");
  expect(languageOf("これは日本語の文章です。")).toBe("ja");
  expect(languageOf("今天天气很好，我们去公园吧。")).toBe("zh");
  expect(languageOf("韩语的“안녕”是你好的意思，可以用在任何时候。")).toBe("zh");
  expect(languageOf("概要")).toBeUndefined();
  expect(languageOf("「東京」은 일본의 수도입니다")).toBe("ko");
});
