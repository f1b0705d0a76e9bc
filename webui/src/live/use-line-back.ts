/** Calls back when the server can be reached again. */
import { useEffect, useEffectEvent, useRef } from "react";
import { useLive } from "./live-context";

export function useLineBack(act: () => unknown): void {
  const isOpen = useLive().lineState.name === "open";
  const wasOpen = useRef(isOpen);
  const tell = useEffectEvent(() => {
    act();
  });
  useEffect(() => {
    if (isOpen && !wasOpen.current) tell();
    wasOpen.current = isOpen;
  }, [isOpen]);
}
