/**
 * One tab stop for a whole list: Tab comes to the row where one was last, the arrows, Home and End go from row to row.
 * Only rows in sight are in the page, so a row that is far away is focused when it has come.
 */
import { type FocusEvent, type KeyboardEvent, type RefObject, useLayoutEffect, useRef, useState } from "react";

const CONTROLS = "a, button, input";

interface Rows {
  list: RefObject<HTMLElement | null>;
  /** Indices of the rows that can be focused, and of those that are in the page. */
  reachable: readonly number[];
  mounted: readonly number[];
  /** Where Tab comes to when one has not been in the list yet. */
  first: number | undefined;
  scrollTo: (index: number) => void;
}

export function useRoving({ list, reachable, mounted, first, scrollTo }: Rows) {
  const [last, setLast] = useState<number | null>(null);
  const awaited = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (awaited.current === null) return;
    const control = list.current
      ?.querySelector(`[data-row="${awaited.current}"]`)
      ?.querySelector<HTMLElement>(CONTROLS);
    if (!control) return;
    awaited.current = null;
    control.focus();
  });
  const here = mounted.filter((index) => reachable.includes(index));
  const stop = [last, first].find((index) => index !== null && index !== undefined && here.includes(index)) ?? here[0];

  const onFocus = (event: FocusEvent) => {
    const row = event.target.closest("[data-row]")?.getAttribute("data-row");
    if (row) setLast(Number(row));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // A row's menu is a child of it for React, but not in the page: its arrows are its own.
    if (!event.currentTarget.contains(event.target as Node)) return;
    if (event.altKey || event.ctrlKey || event.metaKey || isTyping(event.target)) return;
    const at = reachable.indexOf(last ?? -1);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: reachable.length - 1 }[event.key];
    const index = to === undefined ? undefined : reachable[to];
    if (at < 0 || index === undefined) return;
    event.preventDefault();
    awaited.current = index;
    setLast(index);
    scrollTo(index);
  };
  return { stop, handlers: { onFocus, onKeyDown } };
}

function isTyping(target: EventTarget): boolean {
  return target instanceof HTMLInputElement && target.type !== "checkbox";
}
