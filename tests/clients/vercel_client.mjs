// Vercel's ai with @ai-sdk/openai-compatible, as Cline and many programs use it.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany, generateText, Output, stepCountIs, streamText, tool } from "ai";
import { ASK_PET, ASK_WEATHER, CLEVER, HELLO, KEY, MODEL, Pet, Place, REAL, tell, weatherText } from "./told.mjs";

const [real, clever] = [REAL, CLEVER].map((baseURL) =>
  createOpenAICompatible({ name: "bdchat", baseURL, apiKey: KEY, includeUsage: true, supportsStructuredOutputs: true }),
);
const plainJson = createOpenAICompatible({ name: "bdchat", baseURL: CLEVER, apiKey: KEY });
const asking = (provider, prompt) => ({
  model: provider(MODEL),
  prompt,
  temperature: 0,
  maxOutputTokens: 128,
  maxRetries: 0,
  providerOptions: { bdchat: { parallel_tool_calls: false } },
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
const objects = [];
for (const provider of [real, plainJson])
  objects.push((await generateText({ ...asking(provider, ASK_PET), output: Output.object({ schema: Pet }) })).output);
const vectors = await embedMany({ model: real.embeddingModel(MODEL), values: ["The cat sat down.", "The sea is deep."], maxRetries: 0 });
tell({
  chat: chat.text,
  streamed,
  usage: [usage.inputTokens, usage.outputTokens],
  calls,
  streamed_calls: callsOf(await streamedCall.toolCalls),
  thought: await streamedCall.reasoningText,
  agent: agent.text,
  objects,
  vectors: vectors.embeddings,
});
