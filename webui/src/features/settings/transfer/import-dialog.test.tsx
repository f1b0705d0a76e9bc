import { act, fireEvent, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { renderApp } from "@/test-app";

class FakeRequest {
  static last: FakeRequest;
  status = 0;
  responseText = "";
  sent: unknown = null;
  upload: Record<string, (event: object) => void> = {};
  onprogress = () => {};
  onload = () => {};
  onerror = () => {};
  onabort = () => {};
  constructor() {
    FakeRequest.last = this;
  }
  open() {}
  setRequestHeader() {}
  getResponseHeader() {
    return null;
  }
  send(body: unknown) {
    this.sent = body;
  }
  abort() {
    this.onabort();
  }
  says(...lines: object[]) {
    this.status = 200;
    this.responseText += lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    this.onprogress();
  }
}

async function send(): Promise<FakeRequest> {
  vi.stubGlobal("XMLHttpRequest", FakeRequest);
  renderApp("/settings");
  fireEvent.click(await screen.findByText("Import chats"));
  const file = new File(["[]"], "conversations.json");
  fireEvent.change(await screen.findByLabelText("Choose file"), { target: { files: [file] } });
  expect(FakeRequest.last.sent).toBe(file);
  return FakeRequest.last;
}

const NO_REASON = { reason: null, reason_code: null, reason_values: {} };
const CHAT = { type: "chat", ...NO_REASON, session_id: "s1", num_messages: 4, num_branches: 1, file: "", not_kept: {} };

test("a file is sent, read, and every chat's fate is told", async () => {
  const request = await send();
  act(() => request.upload.onprogress?.({ loaded: 1, total: 4 }));
  expect(screen.getByText("25%")).toBeDefined();
  act(() => request.upload.onload?.({}));
  act(() => {
    request.says({ ...CHAT, title: "Foxes", status: "imported", not_kept: { images: 2, files: 1, moons: 3 } });
    request.says({ type: "progress", num_read_bytes: 1, num_bytes: 2, num_chats: 1 });
  });
  expect(screen.getByText("50%")).toBeDefined();
  expect(screen.queryByText("Close")).toBeNull();
  act(() => {
    const deep = { reason: "It is nested.", reason_code: "too_deep", reason_values: { num: 1000 } };
    request.says({ ...CHAT, title: "Crows", status: "failed", session_id: null, ...deep });
    const unknown = { reason: "The moon is full.", reason_code: "moon", reason_values: {} };
    request.says({ ...CHAT, title: "Owls", status: "failed", session_id: null, ...unknown });
    const counts = { num_imported: 1, num_skipped: 0, num_failed: 2 };
    request.says({ type: "summary", status: "finished", ...NO_REASON, ...counts });
    request.onload();
  });
  expect(await screen.findByText("Done. 1 imported, 0 skipped, 2 failed.")).toBeDefined();
  expect(screen.getByText("Foxes").getAttribute("href")).toBe("/chat/s1");
  expect(screen.getByText("Failed: Nested more than 1,000 levels deep.")).toBeDefined();
  expect(screen.getByText("Failed: The moon is full.")).toBeDefined(); // a newer server's
  const left = "Imported: 4 messages · not imported: 2 images, contents of 1 file"; // what moons are, this page does not know
  expect(screen.getByText(left)).toBeDefined();
});

test("an import can be stopped, and a refused one says why", async () => {
  await send();
  fireEvent.click(screen.getByText("Stop"));
  expect(await screen.findByText("Stopped. Chats imported so far are kept.")).toBeDefined();
  fireEvent.click(screen.getByText("Choose another file"));
  fireEvent.change(await screen.findByLabelText("Choose file"), { target: { files: [new File(["x"], "x")] } });
  act(() => {
    FakeRequest.last.status = 400;
    FakeRequest.last.responseText = JSON.stringify({ error: { code: "file_unknown", message: "It is no JSON." } });
    FakeRequest.last.onload();
  });
  expect(await screen.findByText(/^This is neither JSON nor a ZIP, so nothing was imported/)).toBeDefined();
});
