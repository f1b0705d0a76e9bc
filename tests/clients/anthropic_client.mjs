// Anthropic's package for Node: created, streamed, forced calls, a loop, thoughts, counted tokens.
import Anthropic from "@anthropic-ai/sdk";
import { ASK_WEATHER, CLEVER, HELLO, KEY, MODEL, REAL, TOOL, tell, weatherText } from "./told.mjs";

const [real, clever] = [REAL, CLEVER].map(
  (url) => new Anthropic({ baseURL: url.replace(/\/v1$/, ""), apiKey: KEY, maxRetries: 0 }),
);
const { name, description, parameters } = TOOL.function;
const tool = { name, description, input_schema: parameters };
const asking = (content, more = {}) => ({
  model: MODEL,
  max_tokens: 128,
  temperature: 0,
  messages: [{ role: "user", content }],
  ...more,
});
const callsOf = (message) =>
  message.content
    .filter((block) => block.type === "tool_use")
    .map((block) => ({ name: block.name, arguments: block.input }));

const chat = await real.messages.create(asking(HELLO));
const stream = real.messages.stream(asking(HELLO));
const streamed = await stream.finalText();
const { usage } = await stream.finalMessage();
const counted = await real.messages.countTokens({ model: MODEL, messages: [{ role: "user", content: HELLO }] });
const read = usage.input_tokens + usage.cache_read_input_tokens;
if (counted.input_tokens !== read) throw new Error(`${counted.input_tokens} tokens were counted, ${read} were read`);
const calls = [];
for (const choice of [{ type: "tool", name }, { type: "any" }])
  calls.push(...callsOf(await real.messages.create(asking(ASK_WEATHER, { tools: [tool], tool_choice: { ...choice, disable_parallel_tool_use: true } }))));
const asked = await clever.messages.stream(asking(ASK_WEATHER, { tools: [tool] })).finalMessage();
const results = asked.content
  .filter((block) => block.type === "tool_use")
  .map((block) => ({ type: "tool_result", tool_use_id: block.id, content: weatherText(block.input) }));
const answered = await clever.messages.create(
  asking(ASK_WEATHER, {
    tools: [tool],
    messages: [
      { role: "user", content: ASK_WEATHER },
      { role: "assistant", content: asked.content },
      { role: "user", content: results },
    ],
  }),
);
tell({
  chat: chat.content[0].text,
  streamed,
  usage: [read, usage.output_tokens],
  calls,
  streamed_calls: callsOf(asked),
  thought: asked.content.find((block) => block.type === "thinking").thinking,
  agent: answered.content[0].text,
});
