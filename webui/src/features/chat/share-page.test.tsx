import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { renderApp } from "@/test-app";
import "./share-page";
import { sharedIn } from "./share-page";

test("what another app shares is the draft of a new chat, and is not sent", async () => {
  const asked: string[] = [];
  const noted = () => {
    asked.push("sent");
    return {};
  };
  renderApp(`/share?${new URLSearchParams({ title: "A recipe", text: "Kimchi stew", url: "https://e.example/1" })}`, {
    "POST /api/sessions": noted,
    "POST /v1/chat/completions": noted,
  });
  const field = await screen.findByLabelText<HTMLTextAreaElement>("Write a message");
  expect(field.value).toBe("A recipe\nKimchi stew\nhttps://e.example/1");
  expect(asked).toEqual([]);
});

test.each([
  ["title=News&text=News+https://e.example/1&url=https://e.example/1", "News https://e.example/1"],
  ["text=a&url=a", "a"],
  ["text=+&title=", ""],
])("what an app says twice is there once: %s", (query, shared) => {
  expect(sharedIn(new URLSearchParams(query))).toBe(shared);
});
