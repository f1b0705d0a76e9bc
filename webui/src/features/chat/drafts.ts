/** What is being written in each chat, kept in the browser until it is sent. */

const PREFIX = "bdchat.draft.";

/** `place`: a chat's id, or "new"; null: where nothing is kept. */
export function draftOf(place: string | null): string {
  return place === null ? "" : (localStorage.getItem(PREFIX + place) ?? "");
}

export function keepDraft(place: string | null, text: string): void {
  if (place === null) return;
  try {
    if (text) localStorage.setItem(PREFIX + place, text);
    else localStorage.removeItem(PREFIX + place);
  } catch {
    // The browser's store is full or forbidden: the text is still in its field.
  }
}
