import { expect, test } from "vitest";
import { readersZone } from "@/lib/days";
import { exportHref, exportWithFilesHref } from "./export-href";

test("a file of chats has the reader's dates and words", () => {
  const zone = encodeURIComponent(readersZone());
  expect(exportHref("markdown")).toBe(`/api/export?format=markdown&time_zone=${zone}&language=en`);
  expect(exportWithFilesHref()).toBe(`/api/export?format=bdchat&time_zone=${zone}&language=en&files=true`);
  document.documentElement.lang = "ko";
  expect(exportHref("bdchat", "a/b")).toBe(`/api/sessions/a%2Fb/export?format=bdchat&time_zone=${zone}&language=ko`);
});
