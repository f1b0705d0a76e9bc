import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/query-client";
import type { ModelPin, PinList } from "@/api/types.gen";
import { PinTable } from "./pin-table";

afterEach(() => vi.unstubAllGlobals());

const KEPT: ModelPin = {
  model: "small",
  state: "kept",
  num_tokens: 1200,
  num_bytes: 27_600_000,
  is_in_ram: true,
  is_on_disk: true,
  reason: "",
};
const PIN = { pin_id: "p", title: "House rules", system_prompt: "Be brief.", created_by: "root", created_at_ms: 1 };
const LIST: PinList = {
  data: [{ ...PIN, model: null, models: [KEPT, { ...KEPT, model: "large", state: "refused", reason: "no room" }] }],
  max_pins: 16,
};
const MODELS = { object: "list", data: [{ id: "small", capabilities: ["chat"], state: "ready" }] };

function show() {
  const asked: [string, string][] = [];
  vi.stubGlobal("fetch", async (address: string | URL | Request, init?: RequestInit) => {
    const path = new URL(address instanceof Request ? address.url : String(address), "http://x").pathname;
    const method = init?.method ?? "GET";
    if (method !== "GET") asked.push([`${method} ${path}`, String(init?.body ?? "")]);
    const body = path.endsWith("/v1/models") ? MODELS : method === "DELETE" ? {} : LIST;
    return new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } });
  });
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <PinTable />
    </QueryClientProvider>,
  );
  return asked;
}

test("a pin says what each model has of it, and is taken away after a question", async () => {
  const asked = show();
  const row = await screen.findByRole("row", { name: /^House rules/ });
  expect(row.textContent).toContain("small: Ready: 1,200 tokens, 27.6 MB");
  expect(row.textContent).toContain("large: Can't be kept ready");
  expect(row.textContent).toContain("no room");
  await userEvent.click(screen.getByRole("button", { name: "Unpin House rules" }));
  const sure = screen.getByRole("dialog", { name: "Unpin “House rules”?" });
  expect(sure).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Unpin" }));
  await vi.waitFor(() => expect(asked).toEqual([["DELETE /api/admin/pins/p", ""]]));
});

test("a prompt is pinned word for word, for one model or for all", async () => {
  const asked = show();
  await userEvent.click(await screen.findByRole("button", { name: "Pin a prompt" }));
  const pin = () => screen.getAllByRole<HTMLButtonElement>("button", { name: "Pin a prompt" }).at(-1);
  expect(pin()?.disabled).toBe(true);
  await userEvent.type(screen.getByRole("textbox", { name: "Name" }), " House ");
  await userEvent.type(screen.getByRole("textbox", { name: "System prompt" }), "Be brief. ");
  await screen.findByRole("option", { name: "small" });
  await userEvent.selectOptions(screen.getByRole("combobox", { name: "Model" }), "small");
  await userEvent.click(pin() as HTMLButtonElement);
  await vi.waitFor(() => expect(asked.map(([what]) => what)).toEqual(["POST /api/admin/pins"]));
  expect(JSON.parse(asked[0]?.[1] ?? "")).toEqual({ title: "House", system_prompt: "Be brief. ", model: "small" });
});
