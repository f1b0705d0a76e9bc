import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { MODEL, message, openChat } from "@/test-app";

test("who waits for the model is told so, and how far it is", async () => {
  let model: object = { ...MODEL, state: "loading", load_fraction: 0.4 };
  const page = openChat(() => [message("m2", { role: "assistant", status: "running", generation_id: "g1" })]);
  page.table["GET /v1/models"] = () => ({ object: "list", data: [model] });
  expect(await screen.findByText("The model is loading… 40%")).toBeDefined();
  model = { ...MODEL, state: "loading", load_fraction: null };
  expect(await screen.findByText("The model is loading…")).toBeDefined();
  model = MODEL;
  expect(await screen.findByText("Waiting…")).toBeDefined();
});
