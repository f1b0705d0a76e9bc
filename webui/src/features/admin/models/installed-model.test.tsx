import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { makeQueryClient } from "@/api/query-client";
import type { ModelView } from "@/api/types.gen";
import { InstalledModel } from "./installed-model";

const MODEL: ModelView = {
  name: "m",
  state: "installed",
  kind: "chat",
  quantization: "Q4_K_M",
  parameters: "1.2B",
  n_ctx_train: 131_072,
  num_bytes: 1e9,
  n_ctx: 8192,
  memory_bytes: 1e9,
  fits: true,
  licence: null,
  good_for: "talk",
  tokens_per_s: 12.34,
  is_deletable: true,
  languages: [],
  checksum: "unknown",
  note: "",
  served: null,
  context_cut: null,
  problem: null,
  is_default: false,
};

function show(change: Partial<ModelView>) {
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <InstalledModel model={{ ...MODEL, ...change }} freeMemoryBytes={8e9} totalMemoryBytes={16e9} />
    </QueryClientProvider>,
  );
}

test("a model without trouble has no alert", () => {
  show({ served: "ready" });
  expect(screen.queryByRole("alert")).toBeNull();
});

test.each<[Partial<ModelView>, string, string]>([
  [
    { served: "failed", problem: "unknown model architecture: 'x'" },
    "This model failed to load. It may need a newer bdchat, or more memory: check the details.",
    "unknown model architecture: 'x'",
  ],
  [
    { kind: "embedding", note: "makes vectors" },
    "This model isn't made for chat. Choose another one.",
    "makes vectors",
  ],
  [{ state: "broken", note: "is empty" }, "This file can't be used. Delete it and download it again.", "is empty"],
  [
    { served: "ready", context_cut: "4 of 8" },
    "Memory is short, so chats here are shorter or fewer at once. Unload another model for more.",
    "4 of 8",
  ],
])("what is wrong with it is said in our words, with the server's as its details", (change, text, details) => {
  show(change);
  const alert = screen.getByRole("alert");
  expect(within(alert).getByText(text)).toBeDefined();
  expect(alert.querySelector("details")?.textContent).toBe(`Details${details}`);
});

test("a model that did not load is not offered as the default", () => {
  show({ served: "failed", problem: "no reason" });
  expect(screen.queryByRole("button", { name: "Set as default" })).toBeNull();
  expect(screen.getByRole("button", { name: "Unload" })).toBeTruthy();
});

test("what it is for, its languages by name and its speed are told", () => {
  show({ languages: ["ko", "en"], memory_bytes: 12e9 });
  const told = screen.getByRole("article", { name: "m" }).textContent;
  expect(told).toContain("Chat and writing");
  expect(told).toContain("English, Korean");
  expect(told).toContain("Fits once other models are unloaded · about 12 tokens/s");
});

test("a model that lies elsewhere can be loaded again, and is not offered for deletion", () => {
  show({ is_deletable: false });
  expect(screen.getByRole("button", { name: "Load" })).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Delete" })).toBeNull();
  expect(screen.getByText(/outside the models folder/)).toBeTruthy();
});
