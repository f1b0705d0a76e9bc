import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Model } from "@/api/types.gen";
import { ME, MODEL, message, openChat, renderApp } from "@/test-app";

const ENGLISH: Model = { ...MODEL, languages: ["en"], num_parameters: 135_000_000 };
const models = (...data: Model[]) => ({ object: "list", data });
const offer = (name: string, num_bytes: number, more: object = {}) => ({
  name,
  state: "available",
  kind: "chat",
  good_for: "talk",
  languages: ["en", "ko"],
  licence: "MIT",
  num_bytes,
  ...more,
});
const OFFERS = {
  data: [
    offer("large", 2e9),
    offer("little", 5e8),
    offer("english", 1e8, { languages: ["en"] }),
    offer("vectors", 1, { kind: "embedding", languages: ["multilingual"] }),
  ],
};

test("a question in a language that the model lacks is answered with the smallest that knows it, once", async () => {
  const asked: unknown[] = [];
  const page = openChat(() => [message("m1", { content: "환불 메일을 어떻게 쓰나요?" })]);
  Object.assign(page.table, {
    "GET /v1/models": () => models(ENGLISH),
    "GET /api/admin/models": () => OFFERS,
    "POST /api/admin/pulls": (body: unknown) => void asked.push(body),
  });
  expect(await screen.findByText(/small wasn't trained for Korean/)).toBeDefined();
  fireEvent.click(await screen.findByRole("button", { name: "Download little (500 MB, MIT)" }));
  await waitFor(() => expect(asked).toEqual([{ model: "little" }]));
});

test("whoever may not fetch one is told whom to ask, and nobody twice", async () => {
  const page = openChat(() => [message("m1", { content: "안녕하세요" })]);
  Object.assign(page.table, {
    "GET /api/auth/me": () => ({ ...ME, role: "user", scopes: ["chat", "sessions"] }),
    "GET /v1/models": () => models(ENGLISH),
  });
  const told = await screen.findByText(/Ask an admin for a model that knows Korean/);
  const note = told.closest<HTMLElement>("[role=alert], [role=note], .MuiAlert-root");
  fireEvent.click(within(note ?? document.body).getByRole("button", { name: "Close" }));
  expect(screen.queryByText(/Korean/)).toBeNull();
  expect(localStorage.getItem("bdchat.advised")).toBe('["small ko"]');
});

test.each<[string, Partial<Model>, string]>([
  ["it knows the language", { languages: ["en", "ko"] }, "안녕하세요"],
  ["it knows too many to name", { languages: ["multilingual"] }, "안녕하세요"],
  ["nobody told its languages", { languages: [] }, "안녕하세요"],
  ["letters do not tell the language", { languages: ["ko"] }, "Hello"],
])("nothing is said where %s", async (_, change, content) => {
  const page = openChat(() => [message("m1", { content })]);
  page.table["GET /v1/models"] = () => models({ ...ENGLISH, ...change });
  await screen.findByText(content);
  await waitFor(() => expect(screen.queryByText(/wasn't trained/)).toBeNull());
});

test("a tiny model is called that before the first question", async () => {
  renderApp("/", { "GET /v1/models": () => models(ENGLISH) });
  expect(await screen.findByText(/small is a tiny model/)).toBeDefined();
  expect(await screen.findByRole("link", { name: "See other models" })).toBeDefined();
});
