import { QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/query-client";
import { DeleteAccount } from "./delete-account";

afterEach(() => vi.unstubAllGlobals());

async function deleteWith(status: number, error: { code: string; param: string | null } | null) {
  const bodies: unknown[] = [];
  vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
    bodies.push(JSON.parse(String(init.body)));
    const body = error ? { error: { type: "invalid_request_error", message: "no", ...error } } : {};
    return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
  });
  const left = vi.spyOn(location, "assign").mockImplementation(() => undefined);
  const gone = vi.fn<() => void>();
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <DeleteAccount gone={gone} />
    </QueryClientProvider>,
  );
  fireEvent.click(screen.getByRole("button", { name: "Delete account" }));
  const dialog = within(await screen.findByRole("dialog"));
  const button = dialog.getByRole<HTMLButtonElement>("button", { name: "Delete account" });
  expect(button.disabled).toBe(true);
  fireEvent.change(dialog.getByLabelText("Current password"), { target: { value: "secret" } });
  fireEvent.click(button);
  await waitFor(() => expect(bodies).toEqual([{ current_password: "secret" }]));
  return { dialog, gone, left };
}

test("an account is deleted with its password; nothing of it stays in this browser", async () => {
  const { gone, left } = await deleteWith(200, null);
  await waitFor(() => expect(left).toHaveBeenCalledWith("/login"));
  expect(gone).toHaveBeenCalledOnce();
});

test("a wrong password and the last admin are told, and nothing happens", async () => {
  const { dialog, left, gone } = await deleteWith(409, { code: "only_admin", param: null });
  expect(await dialog.findByText("You are the only admin. Make someone else an admin first.")).toBeDefined();
  expect([left.mock.calls.length, gone.mock.calls.length]).toEqual([0, 0]);
});
