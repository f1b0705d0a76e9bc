import { expect, test } from "vitest";
import { EnterKey } from "./ime";

/** A text field as a browser drives it: `commit` is what the input method leaves in it. */
function field() {
  const target = { value: "" };
  const sent: string[] = [];
  const prevented: boolean[] = [];
  const enter = new EnterKey((text) => {
    if (!text.trim()) return;
    sent.push(text);
    target.value = "";
  });
  const keydown = (keyCode: number, isComposing: boolean, more: { shiftKey?: boolean; repeat?: boolean } = {}) => {
    let isPrevented = false;
    const held = { shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, repeat: false, ...more };
    const preventDefault = () => {
      isPrevented = true;
    };
    enter.onKeyDown({
      key: "Enter",
      keyCode,
      nativeEvent: { isComposing },
      currentTarget: target,
      preventDefault,
      ...held,
    });
    prevented.push(isPrevented);
  };
  const compose = (before: string, data: string) => {
    enter.onCompositionStart();
    enter.onCompositionUpdate({ data, currentTarget: target });
    target.value = before + data;
  };
  const commit = (data: string) => enter.onCompositionEnd({ data, currentTarget: target });
  const keyup = () => enter.onKeyUp({ key: "Enter" });
  return { target, sent, prevented, keydown, compose, commit, keyup };
}

test("Chrome: one Enter within a syllable sends the whole text once", () => {
  const { target, sent, prevented, keydown, compose, commit, keyup } = field();
  compose("안녕하세", "요");
  keydown(229, true);
  expect(sent).toEqual([]);
  commit("요");
  keyup();
  expect(sent).toEqual(["안녕하세요"]);
  expect(target.value).toBe("");
  expect(prevented).toEqual([true]);
});

test("Chrome on macOS: the same press comes a second time and does nothing", () => {
  const { target, sent, prevented, keydown, compose, commit, keyup } = field();
  compose("안녕하세", "요");
  keydown(229, true);
  commit("요");
  target.value = "요"; // what a careless input method leaves behind
  keydown(13, false);
  keyup();
  expect(sent).toEqual(["안녕하세요"]);
  expect(prevented).toEqual([true, true]);
});

test("Safari: the composition ends before the key goes down", () => {
  const { sent, keydown, compose, commit, keyup } = field();
  compose("안녕하세", "요");
  commit("요");
  keydown(229, false);
  keyup();
  expect(sent).toEqual(["안녕하세요"]);
});

test("two messages in a row", () => {
  const { sent, keydown, compose, commit, keyup } = field();
  for (const [before, last] of [
    ["안", "녕"],
    ["또 보", "자"],
  ] as const) {
    compose(before, last);
    keydown(229, true);
    commit(last);
    keyup();
  }
  expect(sent).toEqual(["안녕", "또 보자"]);
});

test.each([
  ["Chrome", true],
  ["Safari", false],
])("%s: a Japanese candidate is picked, not sent", (_browser, isComposing) => {
  const { target, sent, prevented, keydown, compose, commit, keyup } = field();
  compose("", "日本語");
  if (!isComposing) commit("日本語");
  keydown(229, isComposing);
  if (isComposing) commit("日本語");
  keyup();
  expect(sent).toEqual([]);
  expect(target.value).toBe("日本語");
  expect(prevented).toEqual([false]);
  keydown(13, false);
  expect(sent).toEqual(["日本語"]);
});

test("without composition Enter sends once, held or not; Shift+Enter breaks the line", () => {
  const { target, sent, prevented, keydown, keyup } = field();
  target.value = "hello";
  keydown(13, false, { shiftKey: true });
  keydown(13, false);
  target.value = "typed on";
  keydown(13, false, { repeat: true });
  keyup();
  expect(sent).toEqual(["hello"]);
  expect(prevented).toEqual([false, true, true]);
});
