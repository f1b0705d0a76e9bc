import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/query-client";
import type { AccountLoads, ManagedUser } from "@/api/types.gen";
import { LimitsDialog } from "./limits-dialog";
import { LoadTable } from "./load-table";

afterEach(() => vi.unstubAllGlobals());

function answering(document: object) {
  const headers = { "content-type": "application/json" };
  const fetch = vi.fn<typeof globalThis.fetch>(async () => new Response(JSON.stringify(document), { headers }));
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

const ANN = { user_id: "a", username: "ann", max_running: 2, max_queued: null, tokens_per_minute: 0 } as ManagedUser;

test("limits are typed as numbers, left to the server, or none at all", async () => {
  const fetch = answering(ANN);
  const close = vi.fn();
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <LimitsDialog user={ANN} close={close} />
    </QueryClientProvider>,
  );
  const field = (name: string) => screen.getByRole<HTMLInputElement>("textbox", { name });
  expect(field("Answers at once").value).toBe("2");
  expect(field("Waiting requests").value).toBe("");
  expect(field("Tokens a minute").value).toBe("0");
  await userEvent.type(field("Waiting requests"), "some");
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "Save" }).disabled).toBe(true);
  await userEvent.clear(field("Waiting requests"));
  await userEvent.clear(field("Answers at once"));
  await userEvent.type(field("Tokens a minute"), "5,000", { initialSelectionStart: 0, initialSelectionEnd: 1 });
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await vi.waitFor(() => expect(close).toHaveBeenCalled());
  const [address, init] = fetch.mock.calls[0] ?? [];
  expect(String(address)).toContain("/api/admin/users/a/limits");
  expect(JSON.parse(String(init?.body))).toEqual({ max_running: null, max_queued: null, tokens_per_minute: 5000 });
});

test("what each account has running and waiting stands against its limits", async () => {
  const bounds = { max_running: 0, max_queued: 32, tokens_per_minute: 1000 };
  const load = { num_running: 1, num_waiting: 3, num_tokens: 900, bounds };
  const loads: AccountLoads = {
    usual: bounds,
    data: [
      { ...load, user_id: "a", username: "ann", has_own: true },
      { ...load, user_id: "", username: null, has_own: false },
    ],
    num_more: 4,
  };
  answering(loads);
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <LoadTable />
    </QueryClientProvider>,
  );
  const ann = await screen.findByRole("row", { name: /^ann/ });
  expect(ann.textContent).toMatch(/1.*3 of 32.*900 of 1,000.*Its own/);
  expect(screen.getAllByRole("row")[2]?.textContent).toContain("Default");
  expect(screen.getByText("And 4 more accounts")).toBeDefined();
});
