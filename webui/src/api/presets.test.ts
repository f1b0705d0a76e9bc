import { expect, test } from "vitest";
import { presetsFor, presetsIn } from "./presets";

const preset = (name: string) => ({ name, text: `${name} this`, systemPrompt: "" });

test("a command finds presets by their names, those that begin so first", () => {
  const presets = [preset("To sum up"), preset("Sum"), preset("요약")];
  const found = (draft: string) => presetsFor(draft, presets).map(({ name }) => name);
  expect(found("/")).toHaveLength(3);
  expect(found("/sum")).toEqual(["Sum", "To sum up"]);
  expect(found("/요".normalize("NFD"))).toEqual(["요약"]);
  expect([found("sum"), found("/sum it"), found("a /sum")]).toEqual([[], [], []]);
});

test("what is no preset is passed over", () => {
  expect(presetsIn("x")).toEqual([]);
  expect(presetsIn([null, { name: "" }, { name: "a", text: "b", systemPrompt: 3 }])).toEqual([
    { name: "a", text: "b", systemPrompt: "" },
  ]);
});
