/** What the reader was told since the page was loaded, the newest first; the notice at the edge of the page goes away. */
import { create } from "zustand";

export interface NewsItem {
  text: string;
  atMs: number;
  /** The page that it is about. */
  to: string | null;
}

interface NewsState {
  items: readonly NewsItem[];
  numUnread: number;
  add: (text: string, to: string | null) => void;
  markRead: () => void;
}

const MAX_ITEMS = 30;

export const useNewsList = create<NewsState>((set) => ({
  items: [],
  numUnread: 0,
  add: (text, to) =>
    set(({ items, numUnread }) => ({
      items: [{ text, to, atMs: Date.now() }, ...items].slice(0, MAX_ITEMS),
      numUnread: numUnread + 1,
    })),
  markRead: () => set({ numUnread: 0 }),
}));
