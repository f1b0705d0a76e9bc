import { fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ME, renderApp, session } from "@/test-app";

const PRESETS = [
  { name: "sum", text: "Sum this up: ", systemPrompt: "" },
  { name: "translate", text: "Translate: ", systemPrompt: "You translate." },
];
const WITH_PRESETS = () => ({ ...ME, user: ME.user && { ...ME.user, preferences: { presets: PRESETS } } });

beforeEach(() => {
  // As newer browsers have it: what it returns is no effect's clean-up.
  Object.defineProperty(Element.prototype, "scrollIntoView", { value: async () => {}, configurable: true });
});
afterEach(() => {
  Reflect.deleteProperty(Element.prototype, "scrollIntoView");
});

test("a slash brings a preset in by keyboard; a new chat has its system prompt", async () => {
  let begun: unknown;
  renderApp("/", {
    "GET /api/auth/me": WITH_PRESETS,
    "POST /api/sessions": (body) => {
      begun = body;
      return session("s1", "");
    },
  });
  const field = await screen.findByLabelText("Write a message");
  fireEvent.change(field, { target: { value: "/" } });
  expect(await screen.findAllByRole("option")).toHaveLength(2);
  fireEvent.keyDown(field, { key: "ArrowDown" });
  expect(screen.getByRole("option", { selected: true }).textContent).toContain("/translate");
  fireEvent.keyDown(field, { key: "Enter" });
  expect(await screen.findByDisplayValue("Translate:")).toBeDefined();
  expect(screen.getByText("Using the system prompt of /translate")).toBeDefined();
  expect(screen.queryByRole("listbox")).toBeNull();
  fireEvent.keyDown(field, { key: "Enter" });
  await waitFor(() => expect(begun).toEqual({ config: { system_prompt: "You translate." } }));
});

test("Escape leaves the list, and what was typed stays", async () => {
  renderApp("/", { "GET /api/auth/me": WITH_PRESETS });
  const field = await screen.findByLabelText("Write a message");
  fireEvent.change(field, { target: { value: "/su" } });
  expect(await screen.findAllByRole("option")).toHaveLength(1);
  fireEvent.keyDown(field, { key: "Escape" });
  expect(screen.queryByRole("listbox")).toBeNull();
  expect(screen.getByDisplayValue("/su")).toBeDefined();
});
