import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { DocumentView } from "@/api/types.gen";
import { aDocument, message, renderApp, session, streamOf } from "@/test-app";

const CHAT = {
  "GET /api/sessions": () => ({ data: [session("s1", "About foxes")], next_cursor: null }),
  "GET /api/sessions/s1": () => session("s1", "About foxes"),
  "GET /api/sessions/s1/messages": () => ({ data: [message("m1", { content: "here" })], next_cursor: null }),
};

const fieldOf = () => screen.findByLabelText("Write a message");

function drop(target: Node, ...files: File[]): boolean {
  const event = new Event("drop", { bubbles: true, cancelable: true });
  Object.assign(event, { dataTransfer: { types: ["Files"], files } });
  act(() => {
    target.dispatchEvent(event);
  });
  return event.defaultPrevented;
}

test("of what is not kept a text goes with the message; what is none is refused by name", async () => {
  let asked: unknown;
  renderApp("/temporary", {
    "POST /v1/chat/completions": (body) => {
      asked = body;
      return streamOf("Yes.");
    },
  });
  const field = await fieldOf();
  expect(drop(document.body, new File(["나\n너"], "우리.txt"), new File(["x"], "cat.png"))).toBe(true);
  expect(await screen.findByText(/^우리\.txt, 7 bytes/)).toBeDefined();
  expect(screen.getByText("cat.png: images can't be sent yet. Attach a text file instead.")).toBeDefined();
  fireEvent.change(field, { target: { value: "well" } });
  expect(screen.queryByText(/images can't be sent/)).toBeNull();
  fireEvent.click(screen.getByLabelText("Send"));
  const content = "well\n\n우리.txt:\n```\n나\n너\n```";
  await waitFor(() => expect(asked).toMatchObject({ messages: [{ role: "user", content }] }));
});

test("a file becomes a document of the chat; an image that is pasted is not passed over in silence", async () => {
  let documents: DocumentView[] = [];
  const page = renderApp("/chat/s1", {
    ...CHAT,
    "POST /api/documents": (_file, url) => aDocument("d1", { name: url.searchParams.get("name") ?? "" }),
    "GET /api/sessions/s1/documents": () => ({ documents, collections: [] }),
    "PUT /api/sessions/s1/documents": (body) => {
      const { document_ids: ids } = body as { document_ids: string[] };
      documents = ids.map((id) => aDocument(id, { name: "notes.md" }));
      return { documents, collections: [] };
    },
  });
  page.takeUploads();
  const field = await fieldOf();
  fireEvent.change(screen.getByLabelText("Attach files", { selector: "input" }), {
    target: { files: [new File(["notes"], "notes.md")] },
  });
  const shelf = await screen.findByRole("list", { name: "Documents of this chat" });
  expect(within(shelf).getByText("notes.md")).toBeDefined();
  expect(within(shelf).getByText("3 pages")).toBeDefined();
  const image = new File(["x"], "image.png", { type: "image/png" });
  fireEvent.paste(field, { clipboardData: { getData: () => "", files: [image] } });
  expect((await screen.findByRole("alert")).textContent).toContain("Images cannot be read yet.");
  fireEvent.click(screen.getByLabelText("Dismiss image.png"));
  expect(screen.queryByRole("alert")).toBeNull();

  const reading = aDocument("d1", { name: "notes.md", status: "reading", num_pages_read: 1 });
  documents = [reading];
  await page.tell("/ws/events", { type: "document.changed", document: reading });
  expect(await screen.findByText("1 of 3 pages read")).toBeDefined();
  const failed = aDocument("d1", { name: "notes.md", status: "failed", error: { code: "encrypted", message: "" } });
  documents = [failed];
  await page.tell("/ws/events", { type: "document.changed", document: failed });
  expect(await screen.findByText(/needs a password\. Save a copy without one/)).toBeDefined();
  expect(screen.getByLabelText("Read notes.md again")).toBeDefined();

  fireEvent.click(screen.getByLabelText("Remove notes.md"));
  await waitFor(() => expect(screen.queryByRole("list", { name: "Documents of this chat" })).toBeNull());
  fireEvent.click(await screen.findByText("Undo"));
  expect(await screen.findByRole("list", { name: "Documents of this chat" })).toBeDefined();
});

test("a new chat has the documents that were attached before it began", async () => {
  let put: unknown;
  const page = renderApp("/", {
    ...CHAT,
    "POST /api/documents": () => aDocument("d1", {}),
    "GET /api/documents/d1": () => aDocument("d1", {}),
    "POST /api/sessions": () => session("s1", ""),
    "PUT /api/sessions/s1/documents": (body) => {
      put = body;
      return { documents: [aDocument("d1", {})], collections: [] };
    },
  });
  page.takeUploads();
  const field = await fieldOf();
  fireEvent.change(screen.getByLabelText("Attach files", { selector: "input" }), {
    target: { files: [new File(["x"], "d1.pdf")] },
  });
  expect(await screen.findByText("d1.pdf")).toBeDefined();
  fireEvent.change(field, { target: { value: "What is it?" } });
  fireEvent.keyDown(field, { key: "Enter" });
  fireEvent.keyUp(field, { key: "Enter" });
  const sent = () => expect(page.lineTo("/ws/chat/s1")?.said.at(-1)).toMatchObject({ content: "What is it?" });
  await waitFor(sent);
  expect(put).toEqual({ document_ids: ["d1"], collection_ids: [] });
});

test("a file dropped where nothing takes it does not lead away from the page", async () => {
  renderApp("/settings");
  await screen.findByRole("heading", { name: "Settings" });
  expect(drop(document.body, new File(["x"], "a.txt"))).toBe(true);
});
