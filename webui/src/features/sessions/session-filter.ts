/** Which chats the list shows. Pure. */
import type { SessionFilter } from "@/api/keys";

export const SHELVES = ["active", "archived", "shared"] as const;
export type Shelf = (typeof SHELVES)[number];

const PAGE = 60;

export const FILTERS: Record<Shelf, SessionFilter> = {
  active: { pinned: false, archived: false, limit: PAGE }, // the pinned ones are asked for by themselves
  archived: { archived: true, limit: PAGE },
  shared: { shared: true, limit: PAGE },
};
