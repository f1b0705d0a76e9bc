/**
 * Messages that were written and that the server has not taken yet. Kept in the browser too, for all of its tabs, so that
 * a closed tab or a new chat's first message loses nothing: sent again, a message is known by its id and written once.
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
  /**
   * It waits until the answer that is being written has ended, and the message of this id, which was written before it,
   * is in the thread; null: there was none. Absent: it is sent at once.
   */
  after?: string | null;
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
  rewrite: (clientMessageId: string, content: string) => void;
  /** It has waited: it is sent now, below `parentId`. */
  release: (clientMessageId: string, parentId: string | undefined) => void;
  forget: (userId: string) => void;
}

const STORED_AS = "bdchat.pending";

/** Of everybody who wrote in this browser. */
export const usePendingStore = create<PendingState>((set, get) => {
  addEventListener("storage", ({ key }) => {
    if (key === STORED_AS || key === null) set({ messages: stored() });
  });
  let isKept = true;
  /** Of what another tab has written meanwhile nothing is lost. */
  const put = (change: (messages: readonly PendingMessage[]) => readonly PendingMessage[]) => {
    const messages = change(isKept ? stored() : get().messages);
    set({ messages });
    try {
      localStorage.setItem(STORED_AS, JSON.stringify(messages));
      isKept = true;
    } catch {
      isKept = false; // the browser's store is full or forbidden: the page still has them
    }
  };
  const change = (clientMessageId: string, fields: Partial<PendingMessage>) =>
    put((messages) =>
      messages.map((each) => (each.clientMessageId === clientMessageId ? { ...each, ...fields } : each)),
    );
  return {
    messages: stored(),
    add: (message) => put((messages) => [...messages, { ...message, clientMessageId: newId(), error: null }]),
    remove: (clientMessageId) => put((messages) => without(messages, clientMessageId)),
    refuse: (clientMessageId, error) => change(clientMessageId, { error }),
    retry: (clientMessageId) => change(clientMessageId, { error: null }),
    rewrite: (clientMessageId, content) => change(clientMessageId, { content }),
    release: (clientMessageId, parentId) =>
      put((messages) =>
        messages.map((each) => {
          if (each.clientMessageId !== clientMessageId) return each;
          const { after: _waited, ...rest } = each;
          return parentId === undefined ? rest : { ...rest, parentId };
        }),
      ),
    forget: (userId) => put((messages) => messages.filter((each) => each.userId !== userId)),
  };
});

/** Those of who is signed in: another's are neither shown nor sent. */
export function usePending() {
  const userId = useMyId();
  const { messages, add, ...acts } = usePendingStore();
  return {
    ...acts,
    messages: messages.filter((each) => each.userId === userId),
    add: (message: Omit<NewPending, "userId">) => add({ ...message, userId }),
  };
}

/** What waited for one that will never be in the thread waits for what that one waited for. */
function without(messages: readonly PendingMessage[], clientMessageId: string): PendingMessage[] {
  const gone = messages.find((each) => each.clientMessageId === clientMessageId);
  const rest = messages.filter((each) => each !== gone);
  if (!gone || (gone.after === undefined && gone.error === null)) return rest; // the server has taken it
  const after = gone.after ?? null;
  return rest.map((each) => (each.after === clientMessageId ? { ...each, after } : each));
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
