/** The address of a file of chats: one of them, or all; its dates are the reader's. */
import { readersZone } from "@/lib/days";
import { urlOf } from "./client";

export type ExportFormat = "bdchat" | "markdown" | "jsonl";

export function exportHref(format: ExportFormat, sessionId?: string): string {
  const query = { format, time_zone: readersZone() };
  return sessionId === undefined
    ? urlOf("/api/export", undefined, query)
    : urlOf("/api/sessions/{session_id}/export", { session_id: sessionId }, query);
}
