import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useUploads } from "./uploads";

/** What the browser sends with, by hand. */
class FakeRequest {
  static all: FakeRequest[] = [];
  upload: { onprogress?: (event: object) => void } = {};
  onload?: () => void;
  onabort?: () => void;
  status = 0;
  responseText = "";
  open = vi.fn();
  setRequestHeader = vi.fn();
  send = vi.fn();
  abort = () => this.onabort?.();

  constructor() {
    FakeRequest.all.push(this);
  }

  answers(status: number, body: object): void {
    this.status = status;
    this.responseText = JSON.stringify(body);
    this.onload?.();
  }
}

const states = () => useUploads.getState().items.map(({ file, state }) => `${file.name} ${state}`);
const file = (name: string, text = "text", type = "") => new File([text], name, { type });

beforeEach(() => {
  FakeRequest.all = [];
  useUploads.setState({ items: [] });
  vi.stubGlobal("XMLHttpRequest", FakeRequest);
});
afterEach(() => {
  for (const { id } of useUploads.getState().items) useUploads.getState().remove(id);
});

test("two files are sent at once, the next when one is there", async () => {
  const arrived: unknown[] = [];
  const { begin } = useUploads.getState();
  begin([file("a.txt"), file("b.txt"), file("c.txt")], "new", (document) => arrived.push(document));
  expect(states()).toEqual(["a.txt sending", "b.txt sending", "c.txt waiting"]);
  FakeRequest.all[0]?.upload.onprogress?.({ loaded: 1, total: 4 });
  expect(useUploads.getState().items[0]?.share).toBe(0.25);
  FakeRequest.all[0]?.answers(201, { document_id: "d1" });
  await vi.waitFor(() => expect(states()).toEqual(["b.txt sending", "c.txt sending"]));
  expect(arrived).toEqual([{ document_id: "d1" }]);
});

test("what is refused says why and can be tried again; what is stopped is gone", async () => {
  const { begin, remove, retry } = useUploads.getState();
  begin([file("a.txt")], "new", () => undefined);
  FakeRequest.all[0]?.answers(413, { error: { code: "request_too_large", message: "" } });
  await vi.waitFor(() => expect(states()).toEqual(["a.txt failed"]));
  const [upload] = useUploads.getState().items;
  expect(upload?.error).toMatchObject({ code: "request_too_large" });
  retry(upload?.id ?? 0);
  expect(states()).toEqual(["a.txt sending"]);
  remove(upload?.id ?? 0);
  await vi.waitFor(() => expect(states()).toEqual([]));
});

test("a picture and an empty file are refused before they are sent", () => {
  useUploads.getState().begin([file("scan.PNG"), file("x", "y", "image/webp"), file("none.txt", "")], "new", () => 0);
  expect(states()).toEqual(["scan.PNG failed", "x failed", "none.txt failed"]);
  expect(useUploads.getState().items.map(({ error }) => (error as { code: string }).code)).toEqual([
    "picture",
    "picture",
    "document_empty",
  ]);
  expect(FakeRequest.all).toEqual([]);
});
