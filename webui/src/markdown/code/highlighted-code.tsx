/** Code with its colours, as elements. Loaded lazily, highlight.js with it. */
import { Fragment, memo, type ReactNode, useMemo } from "react";
import { type CodeNode, highlight } from "./highlight";

interface Props {
  code: string;
  language: string;
}

export const HighlightedCode = memo(function HighlightedCode({ code, language }: Props) {
  const nodes = useMemo(() => highlight(code, language), [code, language]);
  return <>{elements(nodes)}</>;
});

function elements(nodes: CodeNode[]): ReactNode[] {
  return nodes.map((node, index) => {
    if (typeof node === "string") return node;
    const { scope, children } = node;
    // biome-ignore lint/suspicious/noArrayIndexKey: nodes have no identity but their place
    if (scope.startsWith("language:")) return <Fragment key={index}>{elements(children)}</Fragment>;
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: nodes have no identity but their place
      <span key={index} className={`hljs-${scope.split(".")[0]}`}>
        {elements(children)}
      </span>
    );
  });
}
