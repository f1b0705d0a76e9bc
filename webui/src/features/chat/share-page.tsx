/**
 * What another app shares with this one (manifest.webmanifest, share_target) becomes the draft of a new chat, below what
 * was begun there. It is never sent by itself: anybody can make a link that opens this.
 */
import { useState } from "react";
import { Navigate, useSearchParams } from "react-router";
import { NEW_CHAT, useDraft } from "./drafts";

export function SharePage() {
  const [search] = useSearchParams();
  const [, change] = useDraft(NEW_CHAT);
  useState(() => change(({ text }) => ({ text: withShared(text, sharedIn(search)) }))); // once, before the chat reads it
  return <Navigate to="/" replace />;
}

/** Its title, text and address, each once: apps repeat one in another. */
export function sharedIn(search: URLSearchParams): string {
  const parts = ["title", "text", "url"].map((name) => search.get(name)?.trim() ?? "").filter(Boolean);
  const isInAnother = (part: string, at: number) =>
    parts.some((other, place) => place !== at && other.includes(part) && (other !== part || place < at));
  return parts.filter((part, at) => !isInAnother(part, at)).join("\n");
}

function withShared(begun: string, shared: string): string {
  if (!shared || begun.endsWith(shared)) return begun; // shared twice, or loaded again
  return begun ? `${begun}\n\n${shared}` : shared;
}
