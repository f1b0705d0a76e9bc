/**
 * Messages that were written and that the server has not taken yet. Kept in the browser too, so that a closed tab or a
 * new chat's first message loses nothing: sent again, a message is known by its id and written once.
 */
import { create } from "zustand";
import { useMyId } from "@/api/use-me";

export interface PendingMessage {
  clientMessageId: string;
  /** Who wrote it. */
  userId: string;
  sessionId: string;
  content: string;
  /** Absent: below the end of what is shown. */
  parentId?: string;
  model?: string;
  /** Why the server refused it; it waits for the writer's decision. */
  error: string | null;
}

type NewPending = Omit<PendingMessage, "clientMessageId" | "error">;

interface PendingState {
  messages: readonly PendingMessage[];
  add: (message: NewPending) => void;
  remove: (clientMessageId: string) => void;
  refuse: (clientMessageId: string, error: string) => void;
  retry: (clientMessageId: string) => void;
  forget: (userId: string) => void;
}

const STORED_AS = "bdchat.pending";

/** Of everybody who wrote in this browser. */
export const usePendingStore = create<PendingState>((set, get) => {
  const put = (messages: readonly PendingMessage[]) => {
    set({ messages });
    try {
      localStorage.setItem(STORED_AS, JSON.stringify(messages));
    } catch {
      // The browser's store is full or forbidden: the page still has them.
    }
  };
  const change = (clientMessageId: string, error: string | null) =>
    put(get().messages.map((each) => (each.clientMessageId === clientMessageId ? { ...each, error } : each)));
  return {
    messages: stored(),
    add: (message) => put([...get().messages, { ...message, clientMessageId: newId(), error: null }]),
    remove: (clientMessageId) => put(get().messages.filter((each) => each.clientMessageId !== clientMessageId)),
    refuse: change,
    retry: (clientMessageId) => change(clientMessageId, null),
    forget: (userId) => put(get().messages.filter((each) => each.userId !== userId)),
  };
});

/** Those of who is signed in: another's are neither shown nor sent. */
export function usePending() {
  const userId = useMyId();
  const { messages, add, remove, refuse, retry } = usePendingStore();
  return {
    messages: messages.filter((each) => each.userId === userId),
    add: (message: Omit<NewPending, "userId">) => add({ ...message, userId }),
    remove,
    refuse,
    retry,
  };
}

function stored(): PendingMessage[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(STORED_AS) ?? "[]");
    return Array.isArray(found) ? found.filter(isPending) : [];
  } catch {
    return [];
  }
}

function isPending(value: unknown): value is PendingMessage {
  const { clientMessageId, userId, sessionId, content } = (value ?? {}) as Partial<PendingMessage>;
  return [clientMessageId, userId, sessionId, content].every((each) => typeof each === "string");
}

/** `crypto.randomUUID` is for https and localhost only. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
