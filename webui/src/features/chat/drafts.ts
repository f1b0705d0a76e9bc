/** What somebody is writing in each chat, kept in the browser under their account until it is sent. */

const PREFIX = "bdchat.draft.";

/** `place`: a chat's id, or "new"; null: where nothing is kept. */
export function draftKey(userId: string, place: string | null): string | null {
  return place === null ? null : `${PREFIX}${userId}.${place}`;
}

/** Of all that an account has begun here. */
export function draftKeys(userId: string): string[] {
  return Object.keys(localStorage).filter((key) => key.startsWith(`${PREFIX}${userId}.`));
}

export function draftOf(key: string | null): string {
  return key === null ? "" : (localStorage.getItem(key) ?? "");
}

export function keepDraft(key: string | null, text: string): void {
  if (key === null) return;
  try {
    if (text) localStorage.setItem(key, text);
    else localStorage.removeItem(key);
  } catch {
    // The browser's store is full or forbidden: the text is still in its field.
  }
}
