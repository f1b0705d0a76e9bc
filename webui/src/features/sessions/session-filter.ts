/** Which chats the list shows: a shelf, or a folder. Pure. */
import type { SessionFilter } from "@/api/keys";

export const SHELVES = ["active", "archived", "shared"] as const;
export type Shelf = (typeof SHELVES)[number];
export type Place = { shelf: Shelf; folder?: undefined } | { folder: string; shelf?: undefined };

const PAGE = 60;

const FILTERS: Record<Shelf, SessionFilter> = {
  active: { pinned: false, archived: false, limit: PAGE }, // the pinned ones are asked for by themselves
  archived: { archived: true, limit: PAGE },
  shared: { shared: true, limit: PAGE },
};

/** A folder holds archived and pinned chats too. */
export function filterOf({ shelf, folder }: Place): SessionFilter {
  return shelf === undefined ? { folder, limit: PAGE } : FILTERS[shelf];
}
