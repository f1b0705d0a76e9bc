import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { MemoryRouter } from "react-router";
import { afterEach, expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/query-client";
import type { EngineView, Overview } from "@/api/types.gen";
import { OverviewPage } from "./overview-page";

afterEach(() => vi.unstubAllGlobals());

const OVERVIEW = {
  version: "1.0",
  database_version: "SQLite 3.53",
  database_warning: "SQLite may be damaged",
  uptime_s: 60,
  num_users: 3,
  num_sessions: 4,
  num_messages: 1500,
  num_people_online: 2,
  num_sockets: 5,
  num_running: 1,
  num_waiting: 7,
  free_memory_bytes: 4e9,
  total_memory_bytes: 16e9,
  errors_last_hour: { rate_limited: 12, not_found: 3, engine_error: 2 },
  num_failures_last_hour: 2,
} as unknown as Overview;
const ENGINE = {
  model: "m",
  state: "ready",
  is_default: true,
  is_leaving: false,
  num_running: 1,
  num_waiting: 7,
  num_cells: 500,
  num_cells_total: 1000,
  kv_resident_bytes: 0,
  prompt_tokens_computed: 100,
  tokens_generated: 10,
  prompt_tokens_cached: { resident: 200, ram: 60, disk: 40 },
  cache_hit_share: 0.75,
  sequences: [],
} as unknown as EngineView;

function show(answers: Record<string, () => Response>) {
  vi.stubGlobal(
    "fetch",
    vi.fn(async (url: string) => answers[url]?.() ?? new Response("{}", { status: 404 })),
  );
  const queries = makeQueryClient();
  queries.setDefaultOptions({ queries: { retry: false } });
  render(
    <QueryClientProvider client={queries}>
      <MemoryRouter>
        <OverviewPage />
      </MemoryRouter>
    </QueryClientProvider>,
  );
}

const json =
  (body: unknown, status = 200) =>
  () =>
    new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });

test("the server at a glance: people, queue, cache by tier, engines, errors by code", async () => {
  show({ "/api/admin/overview": json(OVERVIEW), "/api/admin/engine": json({ data: [ENGINE] }) });
  const engines = await screen.findByRole("table", { name: "Engines" });
  expect(within(engines).getByRole("row", { name: /m \(default\) .*Ready.*50%.*75%/ })).toBeTruthy();
  expect(screen.getByText("5 open pages")).toBeTruthy();
  expect(screen.getByText("7 waiting")).toBeTruthy();
  const cache = screen.getByRole("group", { name: "Where prompts came from" });
  expect(cache.textContent).toContain("RAM15% · 60");
  expect(cache.textContent).toContain("Read from scratch25% · 100");
  expect(screen.getByRole("row", { name: "rate_limited 12" })).toBeTruthy();
  const failures = screen.getByText("Failures", { selector: "dt" });
  expect(failures.nextElementSibling?.textContent).toBe("2"); // mistyped addresses are nobody's alarm
  expect(screen.queryByRole("alert")).toBeNull(); // what is said of the database stands under storage
  expect(screen.getByRole("group", { name: "Memory" }).textContent).toContain("12 GB");
});

test("without a model it says how to load one", async () => {
  const idle = { ...OVERVIEW, errors_last_hour: {} };
  show({ "/api/admin/overview": json(idle), "/api/admin/engine": json({ data: [] }) });
  expect((await screen.findByRole("link", { name: "Models" })).getAttribute("href")).toBe("/models");
  expect(screen.getByText("No errors.")).toBeTruthy();
});

test("a server that fails is said to, and asked again by a button", async () => {
  let numAsked = 0;
  show({
    "/api/admin/overview": () => {
      numAsked += 1;
      return json({ error: { message: "no", code: "internal_error" } }, 500)();
    },
    "/api/admin/engine": json({ data: [] }),
  });
  const retry = await screen.findByRole("button", { name: "Try again" });
  const before = numAsked;
  await userEvent.click(retry);
  expect(numAsked).toBeGreaterThan(before);
});
