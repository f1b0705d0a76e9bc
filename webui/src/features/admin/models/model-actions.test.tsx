import { QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/query-client";
import { Notices } from "@/ui/notices";
import { ModelActions } from "./model-actions";

afterEach(() => vi.unstubAllGlobals());

const MODEL = {
  name: "m",
  state: "installed",
  kind: "chat",
  served: null,
  is_default: false,
  num_bytes: 5e9,
  is_deletable: true,
} as const;

function show(model: Parameters<typeof ModelActions>[0]["model"], status = 200, body: object = {}) {
  const fetch = vi.fn<typeof globalThis.fetch>(
    async () => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } }),
  );
  vi.stubGlobal("fetch", fetch);
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <ModelActions model={model} />
      <Notices />
    </QueryClientProvider>,
  );
  return fetch;
}

test("a model that does not fit is refused in words that say what to do", async () => {
  show(MODEL, 409, { error: { code: "no_memory", message: "needs 9 GB", param: "model" } });
  await userEvent.click(screen.getByRole("button", { name: "Load" }));
  expect(await screen.findByText(/Unload another model first/)).toBeTruthy();
});

test("deleting and unloading ask first; Cancel leaves everything", async () => {
  const fetch = show(MODEL);
  await userEvent.click(screen.getByRole("button", { name: "Delete" }));
  expect(screen.getByRole("dialog", { name: "Delete m?" }).textContent).toContain("5 GB");
  await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
  expect(fetch).not.toHaveBeenCalled();
});

test("what is served can be unloaded and made the default, not deleted", async () => {
  const fetch = show({ ...MODEL, served: "ready" });
  expect(screen.queryByRole("button", { name: "Delete" })).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Set as default" }));
  expect(fetch.mock.calls[0]?.[0]).toBe("/api/admin/models/default");
  expect(await screen.findByText("m is now the default")).toBeTruthy();
});

test("a model whose file is gone is unloaded with the word that there is no way back", async () => {
  show({ ...MODEL, served: "ready", is_deletable: false }, 202);
  cleanup();
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <ModelActions model={{ ...MODEL, served: "ready", is_deletable: false }} isLost />
    </QueryClientProvider>,
  );
  await userEvent.click(screen.getByRole("button", { name: "Unload" }));
  expect(screen.getByRole("dialog").textContent).toContain("can't be loaded again");
});
