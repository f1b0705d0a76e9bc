/** A formula drawn by KaTeX into a node of its own. Loaded lazily, KaTeX's fonts with it. */
import katex from "katex";
import "katex/dist/katex.min.css";
import { useEffect, useLayoutEffect, useRef, useState } from "react";

const MAX_NARROW_CHARACTERS = 60;

interface Props {
  tex: string;
  isDisplay: boolean;
}

export function Formula({ tex, isDisplay }: Props) {
  const host = useRef<HTMLSpanElement>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [isWide, setWide] = useState(false);
  useLayoutEffect(() => {
    if (!host.current) return;
    try {
      // `trust: false`: no links, pictures or styles out of a formula; the bounds keep macros from running away.
      const bounds = { trust: false, maxExpand: 500, maxSize: 20, strict: "ignore" as const };
      katex.render(tex, host.current, { ...bounds, displayMode: isDisplay, throwOnError: true });
      setFailed(null);
      // Between words it breaks at its signs, never in a fraction. Short ones are not measured: that costs a layout.
      if (!isDisplay) setWide(tex.length > MAX_NARROW_CHARACTERS && isWiderThanText(host.current));
    } catch {
      setFailed(tex); // not TeX after all, or not yet: it is being written
    }
  }, [tex, isDisplay]);
  // One on a line of its own may scroll; that is known when its fonts are there, and another thing after a phone is turned.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another formula is made of other boxes
  useEffect(() => {
    const element = host.current;
    if (!element || !isDisplay) return;
    const watch = new ResizeObserver(() => setWide(element.scrollWidth > element.clientWidth));
    for (const box of [element, ...element.querySelectorAll(".katex-base")]) watch.observe(box);
    return () => watch.disconnect();
  }, [tex, isDisplay]);
  const hasFailed = failed === tex;
  return (
    <>
      {hasFailed && (
        <code className={isDisplay ? "md-tex" : undefined} dir="ltr">
          {tex}
        </code>
      )}
      <span
        ref={host}
        dir="ltr"
        hidden={hasFailed}
        className={isDisplay || isWide ? "md-formula" : undefined}
        tabIndex={isWide ? 0 : undefined} // what scrolls must be reachable by keyboard
      />
    </>
  );
}

function isWiderThanText(host: HTMLElement): boolean {
  const width = host.closest(".md")?.clientWidth ?? 0;
  return host.getBoundingClientRect().width > width;
}
