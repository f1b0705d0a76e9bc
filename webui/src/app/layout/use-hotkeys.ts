/** Obeys the shortcuts of the chat. */
import { useEffect, useEffectEvent } from "react";
import { isWriting, matchesHotkey } from "@/lib/hotkeys";
import { HOTKEYS, type HotkeyName } from "./hotkeys";

export function useHotkeys(actions: Record<HotkeyName, () => void>): void {
  const press = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing) return;
    const name = (Object.keys(HOTKEYS) as HotkeyName[]).find((each) => matchesHotkey(event, HOTKEYS[each]));
    if (!name || (!HOTKEYS[name].includes("+") && isWriting(event.target))) return;
    event.preventDefault();
    actions[name]();
  });
  useEffect(() => {
    const listener = (event: KeyboardEvent) => press(event);
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, []);
}
