import { fireEvent, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { ME, message, openChat } from "@/test-app";

const METADATA = {
  model: "tiny",
  model_version: "",
  prompt_template: "",
  model_params: {},
  prompt_tokens: 66,
  cached_tokens: 24,
  completion_tokens: 35,
  queue_ms: 0,
  prefill_ms: 0,
  decode_ms: 1000,
  num_dropped_messages: 0,
  spent: null,
};

test("what an answer took is behind a button, and always there for who wants that", async () => {
  const numbers = "tiny · 35 tokens/s · 35 tokens generated · 42 read · 24 cached";
  const thread = () => [message("m2", { role: "assistant", content: "hi", metadata: METADATA })];
  const page = openChat(thread);
  expect(await screen.findByText(numbers)).toBeDefined(); // an admin
  page.unmount();
  const plain = { ...ME, role: "user" as const };
  openChat(thread).table["GET /api/auth/me"] = () => plain;
  const button = await screen.findByRole("button", { name: "Statistics" });
  expect(screen.queryByText(/tiny/)).toBeNull();
  fireEvent.click(button);
  expect(screen.getByText(numbers)).toBeDefined();
});

test("what an answer waited for, and what the cache saved it, is told where there was any of it", async () => {
  const spent = {
    swapped_ms: 3000,
    saved_ms: 1500,
    num_computed_tokens: 42,
    num_cached_from_ram: 20,
    num_cached_from_disk: 0,
    num_drafted_tokens: 30,
    num_accepted_tokens: 12,
    num_preemptions: 1,
  };
  openChat(() => [
    message("m2", { role: "assistant", content: "hi", metadata: { ...METADATA, queue_ms: 2000, spent } }),
  ]);
  const numbers = await screen.findByText(/^tiny/);
  expect(numbers.textContent).toContain(
    "24 cached · 20 of them from RAM · 1.5 sec saved · waited 2 sec · paused 3 sec · 12 of 30 guessed tokens right",
  );
});

test("an imported answer has a model's name and no numbers", async () => {
  const metadata = { ...METADATA, prompt_tokens: 0, cached_tokens: 0, completion_tokens: 0, decode_ms: 0 };
  const page = openChat(() => [message("m2", { role: "assistant", content: "hi", metadata })]);
  page.table["GET /api/auth/me"] = () => ({ ...ME, role: "user" });
  expect((await screen.findByText("tiny")).textContent).toBe("tiny");
  expect(screen.queryByRole("button", { name: "Statistics" })).toBeNull();
});
