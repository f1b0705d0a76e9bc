import { expect, test } from "vitest";
import { splitReasoning } from "./reasoning";

const thinking = (reasoning: string) => ({ reasoning, isThinking: true, answer: "" });
const thought = (reasoning: string | null, answer: string) => ({ reasoning, isThinking: false, answer });

test("a closing tag without an opening one ends a thought wherever it stands", () => {
  expect(splitReasoning("They ask for 17 × 23. That is 391.</think>391")).toEqual(
    thought("They ask for 17 × 23. That is 391.", "391"),
  );
  expect(splitReasoning("생각\n</thinking>\n\n답")).toEqual(thought("생각", "답"));
  expect(splitReasoning("생각 [/THINK] 답")).toEqual(thought("생각", "답"));
  expect(splitReasoning("`a`를 보면 ```b``` 다.</think>답")).toEqual(thought("`a`를 보면 ```b``` 다.", "답"));
  expect(splitReasoning("see:\n```\n</think>\n```\nso.</think>\nanswer")).toEqual(
    thought("see:\n```\n</think>\n```\nso.", "answer"),
  );
});

test("a tag in code is code", () => {
  const texts = [
    "write `</think>` at the end",
    "``a`</think>``",
    "```\n</think>\n```\ndone",
    "~~~html\n</think>\n~~~",
    "- so:\n  ```\n  a</think>b\n  ```",
    "```\nit is being written\n</think>\n",
  ];
  for (const text of texts) expect(splitReasoning(text)).toEqual(thought(null, text));
});

test("a thought with its tags ends at the first closing one that is not in code, else at the first", () => {
  expect(splitReasoning("<think>\nuse `</think>`, then</think>\n\nanswer")).toEqual(
    thought("use `</think>`, then", "answer"),
  );
  expect(splitReasoning("<think>the ` mark</think>Use `code`.")).toEqual(thought("the ` mark", "Use `code`."));
  expect(splitReasoning("<think>\n```py\ncut off\n</think>\nanswer")).toEqual(thought("```py\ncut off", "answer"));
  expect(splitReasoning("<think>use `</think>` and")).toEqual(thinking("use `</think>` and"));
  expect(splitReasoning("[THINK]a[/THINK]b")).toEqual(thought("a", "b"));
  expect(splitReasoning("<seed:think>a</seed:think>b")).toEqual(thought("a", "b"));
});

test("one thought after the other is one; an empty one is none", () => {
  expect(splitReasoning("<think>a</think>\n<think>b</think>\nc")).toEqual(thought("a\n\nb", "c"));
  expect(splitReasoning("<think>a</think><think>b")).toEqual(thinking("a\n\nb"));
  expect(splitReasoning("<think>\n\n</think>\n\nc")).toEqual(thought(null, "c"));
  expect(splitReasoning("<think></think>".repeat(20_000)).isThinking).toBe(false);
});

test("the channels of an answer are no words of it", () => {
  const analysis = "<|channel|>analysis<|message|>They greet.";
  expect(splitReasoning(analysis)).toEqual(thinking("They greet."));
  const final = `${analysis}<|end|><|start|>assistant<|channel|>final<|message|>`;
  expect(splitReasoning("<|channel|>ana")).toEqual(thought(null, ""));
  expect(splitReasoning(`${final}안녕하세요`)).toEqual(thought("They greet.", "안녕하세요"));
  expect(splitReasoning("<|channel|>final<|message|>a <b> | c")).toEqual(thought(null, "a <b> | c"));
  expect(splitReasoning("<|channel|>final<|message|>a".repeat(3000)).answer).toContain("a\n\na");
});
