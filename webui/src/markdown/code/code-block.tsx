/** A block of code: its language, a button that copies it, colours once it is finished. */
import { lazy, memo } from "react";
import { LazyPart } from "../lazy-part";
import { CopyButton } from "./copy-button";

const HighlightedCode = lazy(() =>
  import("./highlighted-code").then((module) => ({ default: module.HighlightedCode })),
);
/** Colouring more than this would hold the page up. */
const MAX_COLOURED_CHARACTERS = 40_000;

interface Props {
  code: string;
  /** As the fence says it: "ts", "python title=x", "". */
  language: string;
  /** It is being written still. */
  isOpen: boolean;
}

export const CodeBlock = memo(function CodeBlock({ code, language, isOpen }: Props) {
  const name = /^[\w+#.-]{1,24}/.exec(language)?.[0]?.toLowerCase() ?? "";
  const isColoured = name !== "" && !isOpen && code.length <= MAX_COLOURED_CHARACTERS;
  return (
    <figure className="md-code">
      <figcaption>
        <span>{name}</span>
        <CopyButton text={code} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>
        <code>
          {isColoured ? (
            <LazyPart plain={code}>
              <HighlightedCode code={code} language={name} />
            </LazyPart>
          ) : (
            code
          )}
        </code>
      </pre>
    </figure>
  );
});
