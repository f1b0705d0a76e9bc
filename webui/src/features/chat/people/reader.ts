/** Who has a chat before their eyes, what they may in it, and whether others are in it too. */
import { createContext, useContext } from "react";

export interface Reader {
  userId: string;
  mayWrite: boolean;
  /** Then every message says who wrote it. */
  isShared: boolean;
}

export const ReaderContext = createContext<Reader>({ userId: "", mayWrite: true, isShared: false });

export function useReader(): Reader {
  return useContext(ReaderContext);
}
