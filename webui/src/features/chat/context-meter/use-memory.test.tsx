import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { LINE, message, openChat } from "@/test-app";

test("a line says where the model's memory begins", async () => {
  const asked: unknown[] = [];
  const thread = ["m1", "m2", "m3", "m4"].map((id, n) =>
    message(id, { role: n % 2 ? "assistant" : "user", content: `says ${id}`, parent_id: n ? `m${n}` : null }),
  );
  const page = openChat(() => thread);
  let first: string | null = "m3";
  page.table["POST /api/sessions/s1/preview"] = (body) => {
    asked.push(body);
    const known = { state: "ready", num_prompt_tokens: 90, num_to_read: 9, read_ms: 1, num_waiting: 0, segments: [] };
    return { ...known, context_length: 100, num_dropped_messages: first ? 2 : 4, first_message_id: first };
  };
  const order = () => (screen.getByRole("log").textContent ?? "").match(/says m\d|remembers from here/g);
  await screen.findByText(/remembers from here/);
  expect(order()).toEqual(["says m1", "says m2", "remembers from here", "says m3", "says m4"]);
  first = null; // a long draft leaves no room for any of them
  fireEvent.change(screen.getByLabelText("Write a message"), { target: { value: "long" } });
  await waitFor(() => expect(order()?.at(-1)).toBe("remembers from here"));
  expect(asked.at(-1)).toEqual({ content: "long", parent_id: "m4" });
});

test("while an answer is written the line stands where it was sent from", async () => {
  const asked: unknown[] = [];
  const thread = [
    message("m1", { content: "old" }),
    message("m2", { role: "assistant", content: "older answer", parent_id: "m1" }),
    message("m3", { content: "asked now", parent_id: "m2" }),
    message("m4", { role: "assistant", status: "running", generation_id: "g1", parent_id: "m3" }),
  ];
  const page = openChat(() => thread);
  page.table["POST /api/sessions/s1/preview"] = (body) => {
    asked.push(body);
    const known = { state: "ready", num_prompt_tokens: 90, num_to_read: 9, read_ms: 1, num_waiting: 0, segments: [] };
    return { ...known, context_length: 100, num_dropped_messages: 2, first_message_id: null };
  };
  await screen.findByText(/remembers from here/);
  expect(screen.getByRole("log").textContent).toMatch(/older answer.*remembers from here.*asked now/);
  expect(asked).toEqual([{ content: "asked now", parent_id: "m2" }]);
  const g = { generation_id: "g1", message_id: "m4" };
  act(() => {
    page.lineTo(LINE)?.says({ type: "ai_start", ...g, seq: 1, prefix: "", model: "tiny", num_dropped_messages: 2 });
    page.lineTo(LINE)?.says({ type: "ai_chunk", ...g, seq: 2, text: "Once" });
  });
  await screen.findByText("Once");
  expect(asked).toHaveLength(1); // what was sent is what is shown
});
