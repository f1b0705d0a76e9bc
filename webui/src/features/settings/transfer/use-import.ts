/** An import as it goes: sent, read, reported. It is stopped when its dialog is taken away. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { importChats } from "@/api/import-chats";
import { keys } from "@/api/keys";
import type { ChatLine, FileLine, ReportLine, SummaryLine } from "@/api/types.gen";

export type Outcome = ChatLine | FileLine;

export interface ImportState {
  phase: "idle" | "sending" | "reading" | "done" | "failed";
  /** Of the file: sent, or read. */
  share: number;
  outcomes: readonly Outcome[];
  /** Lines that the server left out because they came too fast. */
  numOmitted: number;
  summary: SummaryLine | null;
  error: unknown;
}

const IDLE: ImportState = { phase: "idle", share: 0, outcomes: [], numOmitted: 0, summary: null, error: null };

export function useImport() {
  const queries = useQueryClient();
  const [state, setState] = useState<ImportState>(IDLE);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const start = async (file: Blob) => {
    const control = new AbortController();
    running.current = control;
    setState({ ...IDLE, phase: "sending" });
    try {
      await importChats(file, {
        signal: control.signal,
        onSent: (share) =>
          setState((before) => {
            if (before.phase !== "sending") return before;
            return share < 1 ? { ...before, share } : { ...before, phase: "reading", share: 0 };
          }),
        onLines: (lines) => setState((before) => withLines(before, lines)),
      });
      setState((before) => ({ ...before, phase: "done" }));
    } catch (error) {
      setState((before) => ({ ...before, phase: "failed", error }));
    } finally {
      queries.invalidateQueries({ queryKey: keys.sessions });
    }
  };
  return { state, start, stop: () => running.current?.abort(), reset: () => setState(IDLE) };
}

/** `state` after more of the report. Pure. */
export function withLines(state: ImportState, lines: readonly ReportLine[]): ImportState {
  const next = { ...state, phase: "reading" as const };
  const more: Outcome[] = [];
  for (const line of lines) {
    if (line.type === "chat" || line.type === "file") more.push(line);
    else if (line.type === "summary") next.summary = line;
    else if (line.type === "omitted") next.numOmitted += line.num_lines;
    else if (line.type === "progress" && line.num_bytes > 0) next.share = line.num_read_bytes / line.num_bytes;
  }
  if (more.length > 0) next.outcomes = [...state.outcomes, ...more];
  return next;
}
