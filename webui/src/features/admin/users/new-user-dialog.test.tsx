import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/query-client";
import { NewUserDialog } from "./new-user-dialog";

afterEach(() => vi.unstubAllGlobals());

const LINK = "http://192.168.0.12:8000/login#name=bob&password=aaaaa-bbbbb";

test("a new account is one link, to be copied or read by a phone", async () => {
  const made = {
    user: { username: "bob" },
    password: "aaaaa-bbbbb",
    link: { address: LINK, is_local_only: false, qr: "data:image/svg+xml,x" },
  };
  const fetch = vi.fn<typeof globalThis.fetch>(
    async () => new Response(JSON.stringify(made), { status: 201, headers: { "content-type": "application/json" } }),
  );
  vi.stubGlobal("fetch", fetch);
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <NewUserDialog close={() => undefined} />
    </QueryClientProvider>,
  );
  await userEvent.type(screen.getByRole("textbox", { name: "Username" }), "bob");
  await userEvent.type(screen.getByRole("textbox", { name: /Email/ }), "bob@example.com");
  await userEvent.click(screen.getByRole("button", { name: "Create account" }));
  const dialog = await screen.findByRole("dialog", { name: "Created the account bob" });
  expect(within(dialog).getByRole<HTMLTextAreaElement>("textbox", { name: "Link" }).value).toBe(LINK);
  expect(within(dialog).getByRole("img", { name: "QR code of the link" })).toBeDefined();
  expect(dialog.textContent).toContain("the first password is aaaaa-bbbbb");
  const body = JSON.parse(String(fetch.mock.calls[0]?.[1]?.body));
  expect(body).toEqual({ username: "bob", display_name: "", email: "bob@example.com", role: "user" });
});
