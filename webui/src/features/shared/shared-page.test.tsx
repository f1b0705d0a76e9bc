import { fireEvent, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import type { SharedMessage } from "@/api/types.gen";
import { Refusal, renderApp } from "@/test-app";
import "./shared-page";

function said(id: string, role: SharedMessage["role"], author: string | null): SharedMessage {
  const about = { author_name: author, status: "complete", is_edited: id === "5", created_at_ms: 0 } as const;
  return { message_id: id, role, content: `text ${id}`, ...about };
}

test("a shared link names who wrote each message, not the owner", async () => {
  renderApp("/shared/t", {
    "GET /api/shared/t": () => ({
      title: "Foxes",
      owner_name: "Ann",
      updated_at_ms: 0,
      data: [
        said("1", "user", "Ann"),
        said("2", "assistant", null),
        said("3", "user", "Bob"),
        said("4", "user", null),
        said("5", "assistant", null),
      ],
      next_cursor: null,
    }),
  });
  await screen.findByText("text 3");
  const heads = screen.getAllByRole("heading", { level: 2 }).map((head) => head.textContent);
  expect(heads).toEqual(["Ann", "Answer", "Bob", "Former member", "Answer, edited by a person"]);
  expect(screen.getByRole("link", { name: "bdchat" }).getAttribute("href")).toBe("/");
});

test("a dead link says whose page it is, and leads on", async () => {
  renderApp("/shared/t", {
    "GET /api/shared/t": () => new Refusal(404, { code: "not_found", message: "no such link" }),
  });
  expect(await screen.findByText("This link no longer works")).toBeDefined();
  expect(screen.getByRole("link", { name: "bdchat" })).toBeDefined();
  fireEvent.click(screen.getByRole("button", { name: "Go to the home page" }));
  expect(await screen.findByLabelText("Write a message")).toBeDefined();
});
