// Continue's adapters, as its IDE plugins and its command line call them.
import { constructLlmApi } from "@continuedev/openai-adapters";
import { ASK_WEATHER, CLEVER, HELLO, KEY, MODEL, REAL, TOOL, tell } from "./told.mjs";

const [real, clever] = [REAL, CLEVER].map((apiBase) => constructLlmApi({ provider: "openai", apiBase, apiKey: KEY }));
const { signal } = new AbortController();
const asking = (content, more = {}) => ({
  model: MODEL,
  messages: [{ role: "user", content }],
  temperature: 0,
  max_tokens: 128,
  ...more,
});

const chat = await real.chatCompletionNonStream(asking(HELLO, { stream: false }), signal);
let streamed = "";
let usage;
for await (const chunk of real.chatCompletionStream(asking(HELLO, { stream: true }), signal)) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  usage = chunk.usage ?? usage;
}
const call = { name: "", arguments: "" };
for await (const chunk of clever.chatCompletionStream(asking(ASK_WEATHER, { stream: true, tools: [TOOL] }), signal)) {
  for (const delta of chunk.choices[0]?.delta?.tool_calls ?? []) {
    call.name += delta.function?.name ?? "";
    call.arguments += delta.function?.arguments ?? "";
  }
}
const completion = await real.completionNonStream(
  { model: MODEL, prompt: "The capital of France is", max_tokens: 8, stream: false },
  signal,
);
const vectors = await real.embed({ model: MODEL, input: ["The cat sat down.", "The sea is deep."] });
const models = await real.list();
tell({
  chat: chat.choices[0].message.content,
  streamed,
  usage: [usage.prompt_tokens, usage.completion_tokens],
  streamed_calls: [{ name: call.name, arguments: JSON.parse(call.arguments) }],
  completion: completion.choices[0].text,
  vectors: vectors.data.map((each) => each.embedding),
  models: models.map((each) => each.id),
});
