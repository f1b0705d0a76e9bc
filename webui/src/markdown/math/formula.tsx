/** A formula drawn by KaTeX into a node of its own. Loaded lazily, KaTeX's fonts with it. */
import katex from "katex";
import "katex/dist/katex.min.css";
import { useLayoutEffect, useRef, useState } from "react";

interface Props {
  tex: string;
  isDisplay: boolean;
}

export function Formula({ tex, isDisplay }: Props) {
  const host = useRef<HTMLSpanElement>(null);
  const [failed, setFailed] = useState<string | null>(null);
  useLayoutEffect(() => {
    if (!host.current) return;
    try {
      // `trust: false`: no links, pictures or styles out of a formula; the bounds keep macros from running away.
      const bounds = { trust: false, maxExpand: 500, maxSize: 20, strict: "ignore" as const };
      katex.render(tex, host.current, { ...bounds, displayMode: isDisplay, throwOnError: true });
      setFailed(null);
    } catch {
      setFailed(tex); // not TeX after all, or not yet: it is being written
    }
  }, [tex, isDisplay]);
  const hasFailed = failed === tex;
  return (
    <>
      {hasFailed && (
        <code className={isDisplay ? "md-tex" : undefined} dir="ltr">
          {tex}
        </code>
      )}
      <span ref={host} dir="ltr" hidden={hasFailed} className={isDisplay ? "md-formula" : undefined} />
    </>
  );
}
