import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/query-client";
import type { Work } from "./work";
import { WorkTable } from "./work-table";

afterEach(() => vi.unstubAllGlobals());

const WAITING: Work = {
  key: "g1 0",
  generationId: "g1",
  model: "m",
  userId: "u",
  username: "ann",
  state: "waiting",
  priority: "batch",
  position: 2,
  etaS: 12,
  numPrompt: 1000,
  numCached: 600,
  numFromRam: 400,
  numFromDisk: 0,
  numRead: 700,
  numWritten: 0,
  numCells: 700,
  numPauses: 3,
  ageMs: 3000,
};

function show(work: readonly Work[]) {
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <WorkTable work={work} />
    </QueryClientProvider>,
  );
}

test("whoever waits is shown with place, time and what is read; ending it asks first", async () => {
  const fetch = vi.fn<typeof globalThis.fetch>(
    async () => new Response("{}", { status: 200, headers: { "content-type": "application/json" } }),
  );
  vi.stubGlobal("fetch", fetch);
  show([WAITING]);
  const row = screen.getByRole("row", { name: /ann/ });
  expect(row.textContent).toContain("Number 2");
  expect(row.textContent).toContain("about 12 sec");
  expect(row.textContent).toContain("700 / 1,000");
  expect(row.textContent).toContain("600 · 400 from RAM");
  expect(within(row).getByRole("cell", { name: "Batch" })).toBeDefined();
  expect(within(row).getByRole("cell", { name: "3" })).toBeDefined();
  await userEvent.click(within(row).getByRole("button", { name: "Stop the answer for ann" }));
  expect(fetch).not.toHaveBeenCalled();
  await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Stop answer" }));
  expect(fetch.mock.calls[0]?.[0]).toBe("/api/admin/generations/g1");
  expect(fetch.mock.calls[0]?.[1]?.method).toBe("DELETE");
});

test("what is not known is a dash, and what cannot be ended from here has no button", () => {
  show([{ ...WAITING, generationId: null, etaS: null, numCells: null, numCached: null, position: null }]);
  expect(screen.queryByRole("button")).toBeNull();
  expect(screen.getByRole("row", { name: /ann/ }).textContent).toContain("–");
});

test("an idle server says where its work will be seen", () => {
  show([]);
  expect(screen.queryByRole("table")).toBeNull();
  expect(screen.getByText(/Nothing is running/)).toBeTruthy();
});
