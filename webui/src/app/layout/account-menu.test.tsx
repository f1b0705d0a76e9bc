import { fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { ME, Refusal, renderApp } from "@/test-app";

afterEach(() => {
  vi.restoreAllMocks();
  localStorage.clear();
});

const DRAFT = `bdchat.draft.${ME.user?.user_id}.new`;

async function signOut(answer: () => unknown, kept: Record<string, string> = {}) {
  const goTo = vi.spyOn(location, "assign").mockImplementation(() => undefined);
  renderApp("/", { "POST /api/auth/logout": answer });
  for (const [key, text] of Object.entries(kept)) localStorage.setItem(key, text);
  fireEvent.click(await screen.findByRole("button", { name: ME.user?.display_name || ME.user?.username || "" }));
  fireEvent.click(await screen.findByRole("menuitem", { name: "Sign out" }));
  return goTo;
}

test("who signs out goes to the door; nothing unsent stays, and only after a question", async () => {
  const goTo = await signOut(() => ({}), { [DRAFT]: "half a thou", "bdchat.draft.another.new": "not mine" });
  expect(await screen.findByText(/unsent messages/)).toBeDefined();
  expect(goTo).not.toHaveBeenCalled();
  fireEvent.click(screen.getByRole("button", { name: "Sign out" }));
  await waitFor(() => expect(goTo).toHaveBeenCalledWith("/login"));
  expect(localStorage.getItem(DRAFT)).toBeNull();
  expect(localStorage.getItem("bdchat.draft.another.new")).toBe("not mine");
});

test("a server that does not answer leaves one signed in, and says so", async () => {
  const goTo = await signOut(() => new Refusal(503, { code: "store_unavailable", message: "away" }));
  expect(await screen.findByText(/The database isn't available/)).toBeDefined();
  expect(goTo).not.toHaveBeenCalled();
});

test("a login that has ended already is as good", async () => {
  const goTo = await signOut(() => new Refusal(401, { code: "invalid_api_key", message: "ended" }));
  await waitFor(() => expect(goTo).toHaveBeenCalledWith("/login"));
});
