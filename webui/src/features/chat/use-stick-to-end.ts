/**
 * Scrolling of a thread: it follows its end until its reader scrolls away, and stands still when earlier messages are
 * put in above.
 */
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { elementIdOf } from "./use-jump";

/** Whoever is this near to the end is reading it. */
const NEAR_END_PX = 80;

export function useStickToEnd(scroller: RefObject<HTMLElement | null>, firstId: string | undefined) {
  const isStuck = useRef(true);
  const formerId = useRef(firstId);
  const formerTop = useRef(0); // of the message that was the first, as it was last shown
  const [isAtEnd, setAtEnd] = useState(true);

  const toEnd = useCallback(() => {
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
    isStuck.current = true;
  }, [scroller]);

  useEffect(() => {
    const element = scroller.current;
    const content = element?.firstElementChild;
    if (!element || !content) return;
    const note = () => {
      isStuck.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX;
      setAtEnd(isStuck.current);
    };
    const follow = new ResizeObserver(() => {
      formerTop.current = topOf(formerId.current) ?? 0; // a line may have come in above it
      if (isStuck.current) element.scrollTop = element.scrollHeight;
      else note();
    });
    follow.observe(content);
    follow.observe(element);
    element.addEventListener("scroll", note, { passive: true });
    return () => {
      follow.disconnect();
      element.removeEventListener("scroll", note);
    };
  }, [scroller]);

  useLayoutEffect(() => {
    const element = scroller.current;
    const former = formerId.current === firstId ? null : topOf(formerId.current);
    const grown = former === null ? 0 : former - formerTop.current;
    formerId.current = firstId;
    formerTop.current = topOf(firstId) ?? 0;
    if (!element || grown === 0 || isStuck.current) return;
    // Otherwise browsers keep what is read in its place themselves, also when a message that comes into sight is not as
    // tall as was thought. But not at the very top, and Safari never: what is put in above is made up for by hand, by how
    // far it moved the message that was the first.
    element.style.overflowAnchor = "none";
    element.scrollTop += grown;
    const frame = requestAnimationFrame(() => element.style.removeProperty("overflow-anchor"));
    return () => {
      cancelAnimationFrame(frame);
      element.style.removeProperty("overflow-anchor");
    };
  }, [scroller, firstId]);

  return { isAtEnd, toEnd };
}

function topOf(messageId: string | undefined): number | null {
  const element = messageId === undefined ? null : document.getElementById(elementIdOf(messageId));
  return element?.offsetTop ?? null;
}
