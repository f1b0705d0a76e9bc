/** The address of a file of chats: one of them, or all; its dates and headings are the reader's. */
import { readersZone } from "@/lib/days";
import { urlOf } from "./client";

export type ExportFormat = "bdchat" | "markdown" | "jsonl";

export function exportHref(format: ExportFormat, sessionId?: string): string {
  const language = document.documentElement.lang === "ko" ? "ko" : "en"; // lib/i18n.ts keeps it
  const query = { format, time_zone: readersZone(), language } as const;
  return sessionId === undefined
    ? urlOf("/api/export", undefined, query)
    : urlOf("/api/sessions/{session_id}/export", { session_id: sessionId }, query);
}

/** All of one's chats, and one's documents beside them, as a ZIP. */
export function exportWithFilesHref(): string {
  return `${exportHref("bdchat")}&files=true`;
}
