import { expect, test } from "vitest";
import type { ConfigView } from "@/api/types.gen";
import { formOf, withForm } from "./chat-settings-values";

const CONFIG: ConfigView = {
  model: "tiny",
  temperature: 0.7,
  top_p: null,
  max_tokens: null,
  system_prompt: "Be brief.",
  context_overflow: "drop_oldest",
  presence_penalty: null,
  frequency_penalty: null,
  seed: null,
  stop: ["END"],
  top_k: 40,
  min_p: null,
  repeat_penalty: null,
  repeat_last_n: null,
  chat_template_kwargs: null,
};

test("what was not changed goes back as it came, what is not shown too", () => {
  expect(withForm(CONFIG, formOf(CONFIG))).toEqual(CONFIG);
});

test("a text is a number, an empty one the model's own", () => {
  const form = { ...formOf(CONFIG), temperature: " ", max_tokens: "512", seed: "7" };
  expect(withForm(CONFIG, form)).toMatchObject({ temperature: null, max_tokens: 512, seed: 7, top_k: 40 });
});
