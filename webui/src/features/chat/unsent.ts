/** What an account has written here and not sent: nobody who signs in after it may find it in the browser. */
import { forgetDrafts, hasDrafts } from "./drafts";
import { usePendingStore } from "./pending";

export function hasUnsent(userId: string): boolean {
  return hasDrafts(userId) || usePendingStore.getState().messages.some((each) => each.userId === userId);
}

export function forgetUnsent(userId: string): void {
  forgetDrafts(userId);
  usePendingStore.getState().forget(userId);
}
