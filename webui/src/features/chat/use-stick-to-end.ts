/**
 * Scrolling of a thread: it follows its end until its reader scrolls away, and stands still when earlier messages are
 * put in above.
 */
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** Whoever is this near to the end is reading it. */
const NEAR_END_PX = 80;
/**
 * Most browsers keep what is read in its place by themselves, also when a message above comes into sight and is not as
 * tall as was thought. Safari does not; there at least new pages are made up for.
 */
const anchorsByItself = globalThis.CSS?.supports?.("overflow-anchor", "auto") ?? false;

export function useStickToEnd(scroller: RefObject<HTMLElement | null>, firstId: string | undefined) {
  const isStuck = useRef(true);
  const before = useRef({ firstId, height: 0 });
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
    if (!element || anchorsByItself) return;
    const { firstId: formerId, height } = before.current;
    if (formerId !== undefined && formerId !== firstId && !isStuck.current) {
      element.scrollTop += element.scrollHeight - height;
    }
    before.current = { firstId, height: element.scrollHeight };
  });

  return { isAtEnd, toEnd };
}
