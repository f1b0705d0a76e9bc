import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/query-client";
import { HubSearch } from "./hub-search";

afterEach(() => vi.unstubAllGlobals());

const REPOSITORY = { repo: "o/tiny-GGUF", num_downloads: 1200, licence: "mit", is_gated: true };
const SPEC = "hf:o/tiny-GGUF/tiny.gguf@0123";

function serve(answers: Record<string, [number, object]>) {
  const asked: [string, unknown][] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit = {}) => {
    asked.push([url, init.body ? JSON.parse(String(init.body)) : undefined]);
    const [status, body] = answers[url.split("?")[0] ?? ""] ?? [404, {}];
    return Response.json(body, { status });
  });
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <HubSearch />
    </QueryClientProvider>,
  );
  return asked;
}

async function searchFor(words: string) {
  await userEvent.type(screen.getByLabelText("Model name"), words);
  await userEvent.click(screen.getByRole("button", { name: "Search" }));
}

test("nothing is asked before it is wanted; a file that is found is downloaded by its spec", async () => {
  const asked = serve({
    "/api/admin/hub": [200, { data: [REPOSITORY] }],
    "/api/admin/hub/files": [200, { data: [{ spec: SPEC, file: "tiny.gguf", num_bytes: 5e8 }] }],
    "/api/admin/pulls": [201, {}],
  });
  await userEvent.type(screen.getByLabelText("Model name"), "ti");
  expect(asked).toEqual([]);
  await searchFor("ny");
  await screen.findByText("1,200 downloads · mit · Terms must be accepted on its page");
  await userEvent.click(screen.getByRole("button", { name: "Show files" }));
  expect(await screen.findByText("500 MB")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Download tiny.gguf" }));
  await waitFor(() => expect(asked).toContainEqual(["/api/admin/pulls", { model: SPEC }]));
  expect(asked[0]?.[0]).toBe("/api/admin/hub?search=tiny");
});

test("a hub that cannot be reached is told with what to do", async () => {
  serve({ "/api/admin/hub": [409, { error: { code: "hub_unreachable", message: "…", param: null } }] });
  await searchFor("tiny");
  expect(await screen.findByText(/Check the server's internet connection/)).toBeTruthy();
});
