// The openai package for Node: chat, the stream helper, tools and its runner, .parse with zod, embeddings.
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { ASK_PET, ASK_WEATHER, CLEVER, HELLO, KEY, MODEL, Pet, REAL, TOOL, tell, weatherText } from "./told.mjs";

const [real, clever] = [REAL, CLEVER].map((baseURL) => new OpenAI({ baseURL, apiKey: KEY, maxRetries: 0 }));
const asking = (content, more = {}) => ({
  model: MODEL,
  messages: [{ role: "user", content }],
  temperature: 0,
  max_tokens: 128,
  ...more,
});
const callsOf = (completion) =>
  (completion.choices[0].message.tool_calls ?? []).map((call) => ({
    name: call.function.name,
    arguments: JSON.parse(call.function.arguments),
  }));

const chat = await real.chat.completions.create(asking(HELLO));
const stream = real.chat.completions.stream(asking(HELLO, { stream_options: { include_usage: true } }));
const streamed = await stream.finalContent();
const usage = await stream.totalUsage();
const named = { type: "function", function: { name: "get_weather" } };
const calls = [];
for (const tool_choice of [named, "required"])
  calls.push(...callsOf(await real.chat.completions.create(asking(ASK_WEATHER, { tools: [TOOL], tool_choice, parallel_tool_calls: false }))));
const streamedCall = await clever.chat.completions.stream(asking(ASK_WEATHER, { tools: [TOOL] })).finalChatCompletion();
const runner = clever.chat.completions.runTools(
  asking(ASK_WEATHER, {
    stream: true,
    tools: [{ ...TOOL, function: { ...TOOL.function, function: weatherText, parse: JSON.parse } }],
  }),
);
const parsed = await real.chat.completions.parse(
  asking(ASK_PET, { response_format: zodResponseFormat(Pet, "pet") }),
);
const vectors = await real.embeddings.create({ model: MODEL, input: ["The cat sat down.", "The sea is deep."] });
tell({
  chat: chat.choices[0].message.content,
  streamed,
  usage: [usage.prompt_tokens, usage.completion_tokens],
  calls,
  streamed_calls: callsOf(streamedCall),
  agent: await runner.finalContent(),
  vectors: vectors.data.map((each) => each.embedding),
  objects: [parsed.choices[0].message.parsed],
});
