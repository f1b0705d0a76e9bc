/** What somebody is writing in each chat, kept in the browser under their account until it is sent. */

const PREFIX = "bdchat.draft.";

/** `place`: a chat's id, or "new". */
export interface DraftPlace {
  userId: string;
  place: string;
}

/** null: where nothing is kept. */
export function draftOf(at: DraftPlace | null): string {
  return at === null ? "" : (localStorage.getItem(keyOf(at)) ?? "");
}

export function keepDraft(at: DraftPlace | null, text: string): void {
  if (at === null) return;
  try {
    if (text) localStorage.setItem(keyOf(at), text);
    else localStorage.removeItem(keyOf(at));
  } catch {
    // The browser's store is full or forbidden: the text is still in its field.
  }
}

/** The keys of all that an account has begun here. */
export function draftKeys(userId: string): string[] {
  return Object.keys(localStorage).filter((key) => key.startsWith(keyOf({ userId, place: "" })));
}

function keyOf({ userId, place }: DraftPlace): string {
  return `${PREFIX}${userId}.${place}`;
}
