import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { CollectionView, DocumentView } from "@/api/types.gen";
import { aDocument, Refusal, renderApp } from "@/test-app";

const COLLECTION: CollectionView = {
  collection_id: "c1",
  name: "계약",
  description: "",
  num_documents: 1,
  num_members: 0,
  role: "owner",
  can_open: true,
  owner_name: "ann",
  created_at_ms: 0,
  updated_at_ms: 0,
  deleted_at_ms: null,
};

function openPage(documents: () => DocumentView[], collections: CollectionView[] = []) {
  return renderApp("/documents", {
    "GET /api/documents": (_body, url) => ({
      data: documents().filter(({ name }) => name.includes(url.searchParams.get("q") ?? "")),
      next_cursor: null,
    }),
    "GET /api/collections": () => ({ data: collections }),
    "POST /api/documents/search": () => ({ hits: [], searched: "words", notes: [] }),
  });
}

test("an empty page says what to do; what is uploaded is there, and is read before the reader's eyes", async () => {
  let documents: DocumentView[] = [];
  const page = openPage(() => documents);
  expect(await screen.findByText(/^No documents yet/)).toBeDefined();
  page.takeUploads();
  page.table["POST /api/documents"] = (_file, url) => {
    documents = [aDocument("d1", { name: url.searchParams.get("name") ?? "", status: "waiting", num_pages_read: 0 })];
    return documents[0];
  };
  const input = screen.getByLabelText("Upload files", { selector: "input" });
  fireEvent.change(input, { target: { files: [new File(["x"], "lease.pdf")] } });
  const row = (await screen.findByText("Waiting to be read")).closest("li") as HTMLElement;
  expect(within(row).getByText("lease.pdf")).toBeDefined();
  const now = (fields: Partial<DocumentView>) => {
    const document = aDocument("d1", { name: "lease.pdf", ...fields });
    documents = [document]; // whoever asks again hears the same
    return page.tell("/ws/events", { type: "document.changed", document });
  };
  await now({ status: "reading", num_pages: 40, num_pages_read: 12 });
  expect(await screen.findByText("12 of 40 pages read")).toBeDefined();
  expect((screen.getByLabelText("Reading of lease.pdf") as HTMLProgressElement).value).toBeCloseTo(0.3);
  await now({ vectors: "running", num_passages: 10, num_vectors: 4, notes: { pages_scanned: 2 } });
  const said = await screen.findByText(/Preparing search by meaning/);
  expect(said.textContent).toBe("3 pages · 12 kB · 2 pages are images without text · Preparing search by meaning 40%");
  await now({ notes: { pages_without_characters: 1, pages_damaged: 1, attachments_ignored: 1, macros_ignored: 4 } });
  expect(
    await screen.findByText("3 pages · 12 kB · 2 pages could not be read · 1 file inside was not read"),
  ).toBeDefined();
});

test.each([
  ["reading", "Pause reading", "pause"],
  ["paused", "Resume reading", "resume"],
  ["failed", "Try again", "retry"],
] as const)("of a document that is %s the menu has “%s”", async (status, label, act_) => {
  const said: string[] = [];
  const page = openPage(() => [aDocument("d1", { status, error: { code: "damaged", message: "" } })]);
  page.table[`POST /api/documents/d1/${act_}`] = () => {
    said.push(act_);
    return aDocument("d1", { status: "waiting" });
  };
  fireEvent.click(await screen.findByLabelText("Menu for d1.pdf"));
  fireEvent.click(await screen.findByRole("menuitem", { name: label }));
  await waitFor(() => expect(said).toEqual([act_]));
  expect(await screen.findByText("Waiting to be read")).toBeDefined();
});

test("what is deleted can be brought back; what fails is said", async () => {
  let documents = [aDocument("d1", {})];
  const page = openPage(() => documents);
  page.table["DELETE /api/documents/d1"] = () => {
    documents = [];
  };
  page.table["POST /api/documents/d1/restore"] = () => {
    documents = [aDocument("d1", {})];
    return documents[0];
  };
  const choose = async (name: string) => {
    fireEvent.click(await screen.findByLabelText("Menu for d1.pdf"));
    fireEvent.click(await screen.findByRole("menuitem", { name }));
  };
  await choose("Delete document");
  expect(await screen.findByText(/^No documents yet/)).toBeDefined();
  fireEvent.click(await screen.findByText("Undo"));
  expect(await screen.findByText("d1.pdf")).toBeDefined();
  page.table["PATCH /api/documents/d1"] = () => new Refusal(403, { code: "forbidden", message: "no" });
  await choose("Rename");
  const field = await screen.findByLabelText("Document name");
  fireEvent.change(field, { target: { value: "other.pdf" } });
  fireEvent.keyDown(field, { key: "Enter" });
  expect(await screen.findByText(/don't have permission|do not have permission/)).toBeDefined();
});

test("a collection is made, chosen, and shared", async () => {
  const asked: unknown[] = [];
  const collections: CollectionView[] = [];
  const page = openPage(() => [aDocument("d1", {})], collections);
  page.table["POST /api/collections"] = (body) => {
    collections.push({ ...COLLECTION, ...(body as object) });
    return collections[0];
  };
  page.table["GET /api/collections/c1/members"] = () => ({ data: [] });
  page.table["PUT /api/collections/c1/members/bob"] = (body) => {
    asked.push(body);
  };
  fireEvent.click(await screen.findByText("New collection"));
  const field = await screen.findByLabelText("Collection name");
  fireEvent.change(field, { target: { value: "계약" } });
  fireEvent.keyDown(field, { key: "Enter" });
  expect(await screen.findByRole("heading", { name: "계약" })).toBeDefined();
  fireEvent.click(screen.getByLabelText("Menu for 계약"));
  fireEvent.click(await screen.findByRole("menuitem", { name: "Share" }));
  fireEvent.change(await screen.findByLabelText("Username"), { target: { value: "bob" } });
  fireEvent.change(screen.getByLabelText("Permission"), { target: { value: "writer" } });
  fireEvent.click(screen.getByRole("button", { name: "Add" }));
  expect(await screen.findByText("bob was added")).toBeDefined();
  expect(asked).toEqual([{ role: "writer" }]);
});

test("a hit opens its page with its words marked; Escape closes it, and the focus is where it was", async () => {
  const page = openPage(() => [aDocument("d1", { name: "규정.md", format: "markdown", num_pages: 2 })]);
  const hit = { document_id: "d1", document_name: "규정.md", passage_id: 7, page: 2, label: "", start: 3, end: 8 };
  page.table["POST /api/documents/search"] = () => ({
    hits: [{ ...hit, text: "환불 기한", heading: "", score: 1 }],
    searched: "words",
    notes: [],
  });
  page.table["GET /api/documents/d1"] = () => aDocument("d1", { format: "markdown", num_pages: 2 });
  page.table["GET /api/documents/d1/pages/2"] = () => ({
    ...{ document_id: "d1", number: 2, num_pages: 2, label: "", width: 0, height: 0, boxes: [], is_scanned: false },
    text: "😀. 환불 기한은 7일",
  });
  page.table["GET /api/documents/d1/pages/1"] = () => ({
    ...{ document_id: "d1", number: 1, num_pages: 2, label: "", width: 0, height: 0, boxes: [], is_scanned: false },
    text: "첫 쪽",
  });
  fireEvent.change(await screen.findByLabelText("Search names and contents"), { target: { value: "환불" } });
  const found = await screen.findByRole("button", { name: /환불 기한/ });
  found.focus();
  fireEvent.click(found);
  expect((await screen.findByText("환불 기한", { selector: "mark" })).tagName).toBe("MARK");
  expect(screen.getByText("Page 2 of 2")).toBeDefined();
  fireEvent.click(screen.getByLabelText("Previous page"));
  expect(await screen.findByText("첫 쪽")).toBeDefined();
  fireEvent.keyDown(screen.getByText("첫 쪽"), { key: "Escape" });
  await waitFor(() => expect(screen.queryByText("첫 쪽")).toBeNull());
});
