/** What a message seldom has beside its text; its code is there before it is needed (latePart). */
import { withPageWords } from "@/lib/i18n";
import { latePart } from "@/ui/late-part";

export const Chips = latePart(() => withPageWords(import("./attachment-chips")).then((part) => part.AttachmentChips));
export const Notices = latePart(() => withPageWords(import("./notices")).then((part) => part.Notices));
export const Queue = latePart(() => withPageWords(import("./queued-list")).then((part) => part.QueuedList));

export function preloadParts(): void {
  for (const { preload } of [Chips, Notices, Queue]) preload();
}
