import { fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { Refusal, renderApp, session, streamOf } from "@/test-app";

async function write(text: string): Promise<void> {
  const field = await screen.findByLabelText("Write a message");
  fireEvent.change(field, { target: { value: text } });
  fireEvent.keyDown(field, { key: "Enter" });
  fireEvent.keyUp(field, { key: "Enter" });
}

test("a temporary chat is answered and nothing of it is kept, unless its writer says so", async () => {
  const asked: unknown[] = [];
  const answers = [streamOf("A **fo", "x**."), streamOf("Red."), streamOf("Brown.")];
  const page = renderApp("/", {
    "POST /v1/chat/completions": (body) => {
      asked.push(body);
      return answers.shift();
    },
  });
  fireEvent.click(await screen.findByText("Temporary chat"));
  await screen.findByText(/This chat isn't saved/);
  await write("What is it?");
  expect((await screen.findByText("fox")).tagName).toBe("STRONG");
  await screen.findByText("Save this chat"); // it has ended
  await write("Its colour?");
  await screen.findByText("Red.");
  fireEvent.click(screen.getByLabelText("Regenerate"));
  await screen.findByText("Brown.");
  await screen.findByText("Save this chat");
  const first = { role: "user", content: "What is it?" };
  const soFar = [first, { role: "assistant", content: "A **fox**." }, { role: "user", content: "Its colour?" }];
  expect(asked).toEqual(
    [[first], soFar, soFar].map((messages) => ({ messages, stream: true, sampling_defaults: "model" })),
  );
  expect(Object.values({ ...localStorage }).join()).not.toMatch(/What is it|colour/);

  const kept: unknown[] = [];
  page.table["POST /api/sessions"] = (body) => {
    expect(body).toEqual({ title: "What is it?" });
    return session("s1", "What is it?");
  };
  page.table["POST /api/sessions/s1/messages"] = (body) => {
    kept.push(body);
    return {};
  };
  page.table["GET /api/sessions/s1"] = () => session("s1", "What is it?");
  page.table["GET /api/sessions/s1/messages"] = () => ({ data: [], next_cursor: null });
  fireEvent.click(screen.getByText("Save this chat"));
  await waitFor(() => expect(screen.queryByText(/This chat isn't saved/)).toBeNull());
  expect(kept).toEqual([...soFar, { role: "assistant", content: "Brown." }]);
});

test("a refusal is said, and the question can be asked again", async () => {
  let answer: unknown = new Refusal(503, { code: "queue_full", message: "The queue is full." });
  renderApp("/temporary", { "POST /v1/chat/completions": () => answer });
  await write("hello");
  expect((await screen.findByRole("alert")).textContent).not.toBe("");
  answer = streamOf("Hi.");
  fireEvent.click(screen.getByLabelText("Regenerate"));
  expect(await screen.findByText("Hi.")).toBeDefined();
  expect(screen.queryByRole("alert")).toBeNull();
});

test("leaving asks first, whichever way; who stays has lost nothing", async () => {
  renderApp("/temporary", { "POST /v1/chat/completions": () => streamOf("A fox.") });
  await write("What is it?");
  await screen.findByText("A fox.");
  const leave = () => fireEvent.click(screen.getByText("New chat"));
  leave();
  expect(await screen.findByText("Leave the temporary chat?")).toBeDefined();
  fireEvent.click(screen.getByText("Cancel"));
  await waitFor(() => expect(screen.queryByText("Leave the temporary chat?")).toBeNull());
  expect(screen.getByText("A fox.")).toBeDefined();
  leave();
  fireEvent.click(await screen.findByText("Leave"));
  expect(await screen.findByText("Ask anything")).toBeDefined();
  expect(screen.queryByText("A fox.")).toBeNull();
});

test("an empty one is left without a question", async () => {
  renderApp("/temporary");
  await screen.findByLabelText("Write a message");
  fireEvent.click(screen.getByText("New chat"));
  expect(await screen.findByText("Ask anything")).toBeDefined();
});

test("what is written while it answers is sent when that has ended", async () => {
  const asked: { messages: unknown[] }[] = [];
  let finish: (answer: Response) => void = () => {};
  renderApp("/temporary", {
    "POST /v1/chat/completions": (body) => {
      asked.push(body as { messages: unknown[] });
      return asked.length > 1 ? streamOf("Red.") : slow;
    },
  });
  const encoder = new TextEncoder();
  const slow = new Response(
    new ReadableStream({
      start(stream) {
        finish = async (rest) => {
          stream.enqueue(encoder.encode(await rest.text()));
          stream.close();
        };
      },
    }),
  );
  await write("What is it?");
  await write("Its colour?");
  expect(await screen.findByText("1 message will be sent after this answer")).toBeDefined();
  finish(streamOf("A fox."));
  await screen.findByText("Red.");
  expect(asked[1]?.messages).toMatchObject([{}, { content: "A fox." }, { content: "Its colour?" }]);
});
