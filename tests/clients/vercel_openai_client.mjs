// Vercel's ai with @ai-sdk/openai, whose default is the Responses API.
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, Output, stepCountIs, streamText, tool } from "ai";
import { ASK_PET, ASK_WEATHER, CLEVER, HELLO, KEY, MODEL, Pet, Place, REAL, tell, weatherText } from "./told.mjs";

const [real, clever] = [REAL, CLEVER].map((baseURL) => createOpenAI({ baseURL, apiKey: KEY }));
const asking = (provider, prompt) => ({
  model: provider(MODEL),
  prompt,
  temperature: 0,
  maxOutputTokens: 128,
  maxRetries: 0,
  providerOptions: { openai: { parallelToolCalls: false, store: false } },
});
const shown = { get_weather: tool({ description: "How warm it will be.", inputSchema: Place }) };
const run = { get_weather: tool({ description: "How warm it will be.", inputSchema: Place, execute: weatherText }) };
const callsOf = (calls) => calls.map((call) => ({ name: call.toolName, arguments: call.input }));

const chat = await generateText(asking(real, HELLO));
const stream = streamText(asking(real, HELLO));
let streamed = "";
for await (const text of stream.textStream) streamed += text;
const usage = await stream.usage;
const calls = [];
for (const toolChoice of ["required", { type: "tool", toolName: "get_weather" }])
  calls.push(...callsOf((await generateText({ ...asking(real, ASK_WEATHER), tools: shown, toolChoice })).toolCalls));
const streamedCall = streamText({ ...asking(clever, ASK_WEATHER), tools: shown });
const agent = await generateText({ ...asking(clever, ASK_WEATHER), tools: run, stopWhen: stepCountIs(3) });
// Stored, as the package has it by itself: what was said before is then named by its items' ids.
let named = 0;
const counting = (url, sent) => {
  named += JSON.parse(sent.body).input.filter((item) => item.type === "item_reference").length;
  return fetch(url, sent);
};
const naming = createOpenAI({ baseURL: CLEVER, apiKey: KEY, fetch: counting });
const asked = { ...asking(naming, ASK_WEATHER), providerOptions: {}, tools: run, stopWhen: stepCountIs(3) };
const storedAgent = await generateText(asked);
const summed = { forceReasoning: true, reasoningSummary: "auto" }; // it shows thoughts as summaries alone
const thinking = streamText({ ...asked, providerOptions: { openai: summed }, stopWhen: stepCountIs(1) });
if (named === 0) throw new Error("no item was named by its id");
const object = await generateText({ ...asking(real, ASK_PET), output: Output.object({ schema: Pet }) });
tell({
  chat: chat.text,
  streamed,
  usage: [usage.inputTokens, usage.outputTokens],
  calls,
  streamed_calls: callsOf(await streamedCall.toolCalls),
  agent: agent.text,
  stored_agent: storedAgent.text,
  thought: await thinking.reasoningText,
  objects: [object.output],
});
