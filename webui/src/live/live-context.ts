/** Where components find the live parts of the page. */
import { createContext, useContext } from "react";
import type { Generations } from "./generations";
import type { LineState } from "./socket";

export interface Live {
  generations: Generations;
  /** Of the line that tells what happens outside a chat: whether the server can be reached. */
  lineState: LineState;
}

export const LiveContext = createContext<Live | null>(null);

export function useLive(): Live {
  const live = useContext(LiveContext);
  if (!live) throw new Error("useLive outside of LiveProvider");
  return live;
}
