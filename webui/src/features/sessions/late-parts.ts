/** What the list of chats shows when it is asked: code that comes when the page has nothing else to do. */
import { latePart } from "@/ui/late-part";

export const SessionMenu = latePart(() => import("./session-menu").then((module) => module.SessionMenu));
export const Rename = latePart(() => import("./session-rename").then((module) => module.SessionRename));
export const ShelfMenu = latePart(() => import("./shelf-menu").then((module) => module.ShelfMenu));
export const ChoiceRow = latePart(() => import("./choice-row").then((module) => module.ChoiceRow));

export function preloadParts(): void {
  for (const { preload } of [SessionMenu, Rename, ShelfMenu, ChoiceRow]) preload();
}
