/** What would be lost if its page were left: asked before it is (app/use-held-location.ts). */
import { create } from "zustand";

export interface LeaveQuestion {
  title: string;
  text: string;
  /** What leaving does, as a verb. */
  action: string;
}

interface Leaving {
  /** null: the page may be left. */
  question: LeaveQuestion | null;
  hold: (question: LeaveQuestion) => void;
  free: () => void;
}

export const useLeaving = create<Leaving>((set) => ({
  question: null,
  hold: (question) => set({ question }),
  free: () => set({ question: null }),
}));
