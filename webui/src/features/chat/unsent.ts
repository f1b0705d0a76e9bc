/** What an account has written here and not sent: nobody who signs in after it may find it in the browser. */
import { draftKeys } from "./drafts";
import { usePendingStore } from "./pending";

export function hasUnsent(userId: string): boolean {
  return draftKeys(userId).length > 0 || usePendingStore.getState().messages.some((each) => each.userId === userId);
}

export function forgetUnsent(userId: string): void {
  for (const key of draftKeys(userId)) localStorage.removeItem(key);
  usePendingStore.getState().forget(userId);
}
