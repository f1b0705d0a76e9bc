/** Keeps the line that tells what happens outside a chat, and the text of answers that are being written. */
import { type ReactNode, useEffect, useEffectEvent, useMemo, useState } from "react";
import { Generations } from "./generations";
import { LiveContext } from "./live-context";
import type { HeardFrame } from "./protocol";
import { type LineState, LiveSocket } from "./socket";

interface Props {
  onFrame: (frame: HeardFrame) => void;
  children: ReactNode;
}

export function LiveProvider({ onFrame, children }: Props) {
  const [generations] = useState(() => new Generations());
  const [lineState, setLineState] = useState<LineState>({ name: "connecting" });
  const hear = useEffectEvent(onFrame);
  useEffect(() => {
    const line = new LiveSocket({ path: "/events", onFrame: (frame) => hear(frame), onState: setLineState });
    return () => line.close();
  }, []);
  const live = useMemo(() => ({ generations, lineState }), [generations, lineState]);
  return <LiveContext value={live}>{children}</LiveContext>;
}
