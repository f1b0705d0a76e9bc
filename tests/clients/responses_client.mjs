// The openai package for Node over /v1/responses: created, streamed, forced calls, a loop, .parse, the background.
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { ASK_PET, ASK_WEATHER, CLEVER, HELLO, KEY, MODEL, Pet, REAL, TOOL, tell, weatherText } from "./told.mjs";

const [real, clever] = [REAL, CLEVER].map((baseURL) => new OpenAI({ baseURL, apiKey: KEY, maxRetries: 0 }));
const tool = { type: "function", ...TOOL.function };
const asking = (input, more = {}) => ({ model: MODEL, input, temperature: 0, max_output_tokens: 128, ...more });
const callsOf = (response) =>
  response.output
    .filter((item) => item.type === "function_call")
    .map((call) => ({ name: call.name, arguments: JSON.parse(call.arguments) }));

const chat = await real.responses.create(asking(HELLO, { store: false }));
let streamed = "";
let last;
for await (const event of await real.responses.create(asking(HELLO, { stream: true }))) {
  if (event.type === "response.output_text.delta") streamed += event.delta;
  last = event;
}
const calls = [];
for (const tool_choice of [{ type: "function", name: "get_weather" }, "required"])
  calls.push(...callsOf(await real.responses.create(asking(ASK_WEATHER, { tools: [tool], tool_choice, parallel_tool_calls: false, store: false }))));
const asked = await clever.responses.stream(asking(ASK_WEATHER, { tools: [tool] })).finalResponse();
const thought = asked.output.find((item) => item.type === "reasoning").content[0].text;
const results = asked.output
  .filter((item) => item.type === "function_call")
  .map((call) => ({ type: "function_call_output", call_id: call.call_id, output: weatherText(JSON.parse(call.arguments)) }));
const answered = await clever.responses.create(asking(results, { previous_response_id: asked.id, tools: [tool] }));
const parsed = await real.responses.parse(asking(ASK_PET, { text: { format: zodTextFormat(Pet, "pet") }, store: false }));
let begun = await clever.responses.create(asking(HELLO, { background: true }));
while (["queued", "in_progress"].includes(begun.status)) begun = await clever.responses.retrieve(begun.id);
tell({
  chat: chat.output_text,
  streamed,
  usage: [last.response.usage.input_tokens, last.response.usage.output_tokens],
  calls,
  streamed_calls: callsOf(asked),
  thought,
  agent: answered.output_text,
  objects: [parsed.output_parsed],
  completion: begun.output_text,
});
