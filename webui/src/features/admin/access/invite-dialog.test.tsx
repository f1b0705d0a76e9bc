import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/query-client";
import { InviteDialog } from "./invite-dialog";

afterEach(() => vi.unstubAllGlobals());

const JSON_TYPE = { "content-type": "application/json" };
const LINK = "http://192.168.0.12:8000/register?code=bdi-1";

async function invited(isLocalOnly: boolean) {
  const made = {
    code: "bdi-1",
    expires_at_ms: Date.UTC(2026, 11, 7, 12),
    link: { address: LINK, is_local_only: isLocalOnly, qr: "data:image/svg+xml,x" },
  };
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(made), { status: 201, headers: JSON_TYPE }));
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <InviteDialog close={() => undefined} />
    </QueryClientProvider>,
  );
  await userEvent.click(screen.getByRole("button", { name: "Create link" }));
  return screen.findByRole("dialog", { name: "Invitation link" });
}

test("an invitation is one link, to be copied or read by a phone, with its end", async () => {
  const dialog = await invited(false);
  expect(within(dialog).getByRole<HTMLTextAreaElement>("textbox", { name: "Link" }).value).toBe(LINK);
  expect(within(dialog).getByRole("img", { name: "QR code of the link" }).getAttribute("src")).toMatch(/^data:/);
  expect(dialog.textContent).toContain("Dec 7");
  expect(within(dialog).queryByRole("alert")).toBeNull();
});

test("a link that opens on the server's machine alone says so, and has no picture for a phone", async () => {
  const dialog = await invited(true);
  expect(within(dialog).getByRole("alert").textContent).toContain("bdchat serve --lan");
  expect(within(dialog).queryByRole("img")).toBeNull();
});
