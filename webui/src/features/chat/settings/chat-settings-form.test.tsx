import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { keys } from "@/api/keys";
import { makeQueryClient } from "@/api/query-client";
import type { ConfigView, SamplingDefaultsView } from "@/api/types.gen";
import { ChatSettingsForm } from "./chat-settings-form";

const OWN: SamplingDefaultsView = {
  temperature: 0.7,
  top_p: 0.95,
  top_k: 40,
  min_p: 0.05,
  repeat_penalty: 1,
  repeat_last_n: 64,
};
const CONFIG: ConfigView = {
  model: null,
  temperature: null,
  top_p: null,
  max_tokens: null,
  system_prompt: "",
  context_overflow: "drop_oldest",
  presence_penalty: null,
  frequency_penalty: null,
  seed: null,
  stop: null,
  top_k: null,
  min_p: null,
  repeat_penalty: null,
  repeat_last_n: null,
  chat_template_kwargs: null,
};

test.each<[string | undefined, string, string]>([
  [undefined, "0.7", "0.95"], // the default answers
  ["other", "0.6", "0.8"],
])("an empty field shows the number that is in force (model %s)", (model, temperature, topP) => {
  const queries = makeQueryClient();
  const models = [
    { id: "default", sampling_defaults: OWN },
    { id: "other", sampling_defaults: { ...OWN, temperature: 0.6, top_p: 0.8 } },
  ];
  queries.setQueryData(keys.models, { data: models });
  render(
    <QueryClientProvider client={queries}>
      <ChatSettingsForm config={CONFIG} model={model} save={async () => {}} close={() => {}} />
    </QueryClientProvider>,
  );
  const placeholder = (label: string) => screen.getByLabelText(label).getAttribute("placeholder");
  expect(placeholder("Temperature")).toBe(temperature);
  expect(placeholder("Top-p")).toBe(topP);
  expect(placeholder("Seed")).toBe("random");
});
