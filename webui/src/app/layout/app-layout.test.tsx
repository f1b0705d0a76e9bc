import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { renderApp, session } from "@/test-app";

const CHAT = {
  "GET /api/sessions/s1": () => session("s1", "About foxes"),
  "GET /api/sessions/s1/messages": () => ({ data: [], next_cursor: null }),
};

test("while the sidebar is closed, news and a new chat are still within reach", async () => {
  const page = renderApp("/chat/s1", CHAT);
  fireEvent.click(await screen.findByLabelText("Close sidebar"));
  const events = await waitFor(() => page.lineTo("/ws/events") ?? Promise.reject());
  expect(screen.getByLabelText("Open sidebar")).toBeDefined();
  const data = { session_id: "s2", message_id: "m", title: "About owls", state: "complete" };
  act(() => events.says({ type: "notification", kind: "answer.finished", data }));
  expect(await screen.findByLabelText("Open sidebar · 1 new notification")).toBeDefined();
  fireEvent.click(screen.getByLabelText("New chat"));
  expect(await screen.findByText("Ask anything")).toBeDefined();
  expect(screen.queryByLabelText("New chat")).toBeNull(); // one is there already
  fireEvent.click(screen.getByLabelText(/^Open sidebar/));
});

test("the first stop of Tab leads past the list", async () => {
  renderApp("/chat/s1", CHAT);
  const skip = await screen.findByText("Skip to the page");
  expect(document.querySelector("button, a, input, [tabindex='0']")).toBe(skip);
  fireEvent.click(skip);
  expect(document.activeElement).toBe(screen.getByRole("main"));
});
