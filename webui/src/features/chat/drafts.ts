/**
 * What somebody is writing in each chat: its text, and what belongs to it. Kept in the browser under their account until
 * it is sent; where the browser has no room for it, in the page as long as that lives.
 */

import { useState } from "react";
import { create } from "zustand";
import type { HeldIds } from "@/api/documents";
import type { ConfigBody } from "@/api/types.gen";
import { useMyId } from "@/api/use-me";
import type { Attachment } from "./attachment";

/** Beside the text, which changes with every letter. */
export interface DraftParts {
  attachments: readonly Attachment[];
  /** Of a new chat: the preset that its text came from, with a system prompt. */
  preset?: { name: string; systemPrompt: string } | undefined;
  /** Of a new chat: the settings that it will have. */
  settings?: { config: ConfigBody; folder: string } | undefined;
  /** Of a new chat: the documents that it will have. */
  documents?: HeldIds | undefined;
}

export interface Draft extends DraftParts {
  text: string;
}

/** What changes, or how it follows from what is there then. */
type DraftChange = Partial<Draft> | ((before: Draft) => Partial<Draft>);
export type ChangeDraft = (change: DraftChange) => void;

/** The place of a chat that has not begun. */
export const NEW_CHAT = "new";
const PREFIX = "bdchat.draft.";
const PARTS = ".parts";
export const NOTHING: Draft = {
  text: "",
  attachments: [],
  preset: undefined,
  settings: undefined,
  documents: undefined,
};

interface DraftState {
  drafts: Readonly<Record<string, Draft>>;
  /** Those that the browser had no room for. */
  unkept: ReadonlySet<string>;
  open: (key: string) => void;
  change: (key: string, change: DraftChange) => void;
  forget: (prefix: string) => void;
}

const useDraftStore = create<DraftState>((set, get) => ({
  drafts: {},
  unkept: new Set(),
  open: (key) => {
    const { drafts, unkept } = get();
    if (!unkept.has(key)) set({ drafts: { ...drafts, [key]: stored(key) } });
  },
  change: (key, change) => {
    const { drafts, unkept } = get();
    const before = drafts[key] ?? stored(key);
    const fields = fieldsOf(change, before);
    const { text, ...parts } = { ...before, ...fields };
    const isTextAlone = Object.keys(fields).every((name) => name === "text");
    // Parts that had no room are not tried again with every letter: that is megabytes.
    const areKept = isTextAlone ? !unkept.has(key) : kept(key + PARTS, textOf(parts));
    const isKept = kept(key, text) && areKept;
    const others = [...unkept].filter((each) => each !== key);
    set({ drafts: { ...drafts, [key]: { text, ...parts } }, unkept: new Set(isKept ? others : [...others, key]) });
  },
  forget: (prefix) => {
    const isOther = (key: string) => !key.startsWith(prefix);
    const { drafts, unkept } = get();
    for (const key of storedKeys(prefix)) localStorage.removeItem(key);
    set({
      drafts: Object.fromEntries(Object.entries(drafts).filter(([key]) => isOther(key))),
      unkept: new Set([...unkept].filter(isOther)),
    });
  },
}));

/** `place`: a chat's id, or "new"; null: it is kept nowhere but in the field itself. */
export function useDraft(place: string | null): [Draft, ChangeDraft] {
  const userId = useMyId();
  const key = place === null ? null : keyOf(userId, place);
  const { open, change } = useDraftStore.getState();
  useState(() => key !== null && open(key)); // before it is shown for the first time
  const draft = useDraftStore(({ drafts }) => (key === null ? undefined : drafts[key])) ?? NOTHING;
  const [own, setOwn] = useState(NOTHING);
  if (key === null) return [own, (of) => setOwn((before) => ({ ...before, ...fieldsOf(of, before) }))];
  return [draft, (of) => change(key, of)];
}

/** For who does not show it. */
export function useDraftChange(place: string): ChangeDraft {
  const key = keyOf(useMyId(), place);
  return (of) => useDraftStore.getState().change(key, of);
}

/** A draft that comes back: what was written meanwhile comes after it. */
export function joined(draft: Draft, written: Draft): Draft {
  return {
    ...draft,
    text: [draft.text, written.text].filter(Boolean).join("\n\n"),
    attachments: [...draft.attachments, ...written.attachments],
  };
}

/** Whether an account has begun something here. */
export function hasDrafts(userId: string): boolean {
  const prefix = keyOf(userId, "");
  return storedKeys(prefix).length > 0 || [...useDraftStore.getState().unkept].some((key) => key.startsWith(prefix));
}

export function forgetDrafts(userId: string): void {
  useDraftStore.getState().forget(keyOf(userId, ""));
}

function fieldsOf(change: DraftChange, before: Draft): Partial<Draft> {
  return typeof change === "function" ? change(before) : change;
}

function keyOf(userId: string, place: string): string {
  return `${PREFIX}${userId}.${place}`;
}

function storedKeys(prefix: string): string[] {
  return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
}

function textOf(parts: DraftParts): string {
  const { attachments, preset, settings, documents } = parts;
  return attachments.length || preset || settings || documents ? JSON.stringify(parts) : "";
}

/** Whether it could be. */
function kept(key: string, text: string): boolean {
  try {
    if (text) localStorage.setItem(key, text);
    else localStorage.removeItem(key);
    return true;
  } catch {
    return false; // the browser's store is full or forbidden
  }
}

function stored(key: string): Draft {
  const text = localStorage.getItem(key) ?? "";
  try {
    const parts: unknown = JSON.parse(localStorage.getItem(key + PARTS) ?? "null");
    const isParts = typeof parts === "object" && parts !== null && Array.isArray((parts as DraftParts).attachments);
    return isParts ? { ...(parts as DraftParts), text } : { ...NOTHING, text };
  } catch {
    return { ...NOTHING, text };
  }
}
