/** What only some messages need, and seldom: code that comes when the page has nothing else to do. */
import { latePart } from "@/ui/late-part";

export const MessageEditor = latePart(() => import("./message-editor").then((module) => module.MessageEditor));
export const AttachedText = latePart(() => import("./attached-text").then((module) => module.AttachedText));
export const AnswerNumbers = latePart(() => import("./answer-numbers").then((module) => module.AnswerNumbers));

export function preloadParts(): void {
  for (const part of [MessageEditor, AttachedText, AnswerNumbers]) part.preload();
}
