import { expect, test } from "vitest";
import { isWriting, matchesHotkey, shownHotkey } from "./hotkeys";

const NOTHING = { ctrlKey: false, metaKey: false, shiftKey: false, altKey: false };

test("⌘ on a Mac, Ctrl elsewhere, and nothing else held", () => {
  const press = { ...NOTHING, key: "k", code: "KeyK" };
  expect(matchesHotkey({ ...press, metaKey: true }, "mod+k", true)).toBe(true);
  expect(matchesHotkey({ ...press, ctrlKey: true }, "mod+k", true)).toBe(false);
  expect(matchesHotkey({ ...press, ctrlKey: true }, "mod+k", false)).toBe(true);
  expect(matchesHotkey({ ...press, ctrlKey: true, shiftKey: true }, "mod+k", false)).toBe(false);
  expect(matchesHotkey(press, "mod+k", false)).toBe(false);
});

test("a shortcut works while Hangul is switched on", () => {
  expect(matchesHotkey({ ...NOTHING, key: "ㅏ", code: "KeyK", ctrlKey: true }, "mod+k", false)).toBe(true);
});

test("signs are told by what they write, names by their name", () => {
  expect(matchesHotkey({ ...NOTHING, key: "?", code: "Slash", shiftKey: true }, "?", false)).toBe(true);
  expect(matchesHotkey({ ...NOTHING, key: "Escape", code: "Escape" }, "escape", false)).toBe(true);
});

test("shown as the keyboard has it", () => {
  expect(shownHotkey("mod+shift+o", true)).toBe("⌘⇧O");
  expect(shownHotkey("mod+shift+o", false)).toBe("Ctrl+Shift+O");
});

test("a text field is written in", () => {
  expect(isWriting(document.createElement("textarea"))).toBe(true);
  expect(isWriting(document.createElement("button"))).toBe(false);
});
