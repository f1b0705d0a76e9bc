/** Short notices at the edge of the page: one at a time, the newest counts. */
import { create } from "zustand";

export interface Notice {
  text: string;
  action?: { label: string; onClick: () => void };
}

interface NoticesState {
  notice: Notice | null;
  show: (notice: Notice) => void;
  hide: () => void;
}

export const useNotices = create<NoticesState>((set) => ({
  notice: null,
  show: (notice) => set({ notice }),
  hide: () => set({ notice: null }),
}));
