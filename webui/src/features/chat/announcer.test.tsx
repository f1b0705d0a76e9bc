import { act, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { LINE, message, openChat } from "@/test-app";

test("a screen reader hears where the answer waits, when it begins, and how it ended", async () => {
  const answer = message("m2", { role: "assistant", status: "running", generation_id: "g1" });
  let stored = [answer];
  const page = openChat(() => stored);
  await screen.findByText("Waiting…");
  const said = () => screen.getAllByRole("status").map((each) => each.textContent);
  const g = { generation_id: "g1", message_id: "m2" };
  expect(said()).not.toContain("Answering.");
  act(() =>
    page.lineTo(LINE)?.says({ type: "queue", generation_id: "g1", position: 3, is_paused: false, eta_s: null }),
  );
  await waitFor(() => expect(said()).toContain("Number 3 in the queue"));
  act(() => {
    page.lineTo(LINE)?.says({ type: "ai_start", ...g, seq: 1, prefix: "", model: "tiny", num_dropped_messages: 0 });
    page.lineTo(LINE)?.says({ type: "ai_chunk", ...g, seq: 2, text: "Once" });
  });
  await waitFor(() => expect(said()).toContain("Answering."));
  stored = [{ ...answer, status: "stopped", content: "Once", generation_id: null }];
  act(() => page.lineTo(LINE)?.says({ type: "message", event: "changed", message: {} }));
  await waitFor(() => expect(said()).toContain("Stopped"));
});
