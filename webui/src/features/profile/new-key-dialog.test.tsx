import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { keys } from "@/api/keys";
import { makeQueryClient } from "@/api/query-client";
import { NewKeyDialog } from "./new-key-dialog";

afterEach(() => vi.unstubAllGlobals());

function show(role: "admin" | "user") {
  const made = { key: "bd-secret", name: "laptop" };
  const fetch = vi.fn<typeof globalThis.fetch>(
    async () => new Response(JSON.stringify(made), { status: 201, headers: { "content-type": "application/json" } }),
  );
  vi.stubGlobal("fetch", fetch);
  const queries = makeQueryClient();
  queries.setQueryData(keys.me, { user: { role } });
  render(
    <QueryClientProvider client={queries}>
      <NewKeyDialog close={() => undefined} />
    </QueryClientProvider>,
  );
  return fetch;
}

test("a key is made with a name, scopes and an end, and shown this once", async () => {
  const fetch = show("user");
  const make = screen.getByRole<HTMLButtonElement>("button", { name: "Create key" });
  expect(make.disabled).toBe(true);
  await userEvent.type(screen.getByRole("textbox", { name: "Name" }), "laptop");
  await userEvent.click(screen.getByRole("checkbox", { name: "Read and edit my chats" }));
  await userEvent.selectOptions(screen.getByRole("combobox", { name: "Expires" }), "30 days");
  await userEvent.click(make);
  const dialog = await screen.findByRole("dialog", { name: "Key created" });
  expect(within(dialog).getByRole<HTMLTextAreaElement>("textbox", { name: "Key" }).value).toBe("bd-secret");
  const body = JSON.parse(String(fetch.mock.calls[0]?.[1]?.body));
  expect(body).toEqual({ name: "laptop", scopes: ["chat", "sessions"], expires_in_days: 30, is_bulk: false });
});

test("a key for bulk work is made by saying so", async () => {
  const fetch = show("user");
  await userEvent.type(screen.getByRole("textbox", { name: "Name" }), "nightly");
  await userEvent.click(screen.getByRole("checkbox", { name: /^For bulk work/ }));
  await userEvent.click(screen.getByRole("button", { name: "Create key" }));
  await screen.findByRole("dialog", { name: "Key created" });
  expect(JSON.parse(String(fetch.mock.calls[0]?.[1]?.body))).toMatchObject({ name: "nightly", is_bulk: true });
});

test("a key for administration is offered to administrators alone, and one that may nothing is not made", async () => {
  show("user");
  expect(screen.queryByRole("checkbox", { name: "Manage this server" })).toBeNull();
  await userEvent.type(screen.getByRole("textbox", { name: "Name" }), "x");
  await userEvent.click(screen.getByRole("checkbox", { name: "Use models" }));
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "Create key" }).disabled).toBe(true);
});

test("an administrator may make one for administration", () => {
  show("admin");
  expect(screen.getByRole("checkbox", { name: "Manage this server" })).toBeTruthy();
});
