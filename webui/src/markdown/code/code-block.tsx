/** A block of code: its language, buttons that copy, keep and wrap it, colours once it is finished. */
import { memo, useState } from "react";
import { useTranslation } from "react-i18next";
import { FallbackOnError } from "@/lib/fallback-on-error";
import { latePart } from "../late-part";
import { CopyButton } from "./copy-button";

const useHighlightedCode = latePart(() => import("./highlighted-code").then((module) => module.HighlightedCode));
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
  const { t } = useTranslation();
  const [isWrapped, setWrapped] = useState(false);
  const name = /^[\w+#.-]{1,24}/.exec(language)?.[0]?.toLowerCase() ?? "";
  const isColoured = name !== "" && !isOpen && code.length <= MAX_COLOURED_CHARACTERS;
  return (
    <figure className="md-code" dir="ltr">
      <figcaption>
        <span>{name || t("markdown.code")}</span>
        <button type="button" aria-pressed={isWrapped} onClick={() => setWrapped(!isWrapped)}>
          {t("markdown.wrap")}
        </button>
        <button type="button" onClick={() => keep(code, name)}>
          {t("markdown.download")}
        </button>
        <CopyButton text={code} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0} className={isWrapped ? "md-wrapped" : undefined}>
        <code>
          {isColoured ? (
            <FallbackOnError fallback={code}>
              <ColouredCode code={code} language={name} />
            </FallbackOnError>
          ) : (
            code
          )}
        </code>
      </pre>
    </figure>
  );
});

async function keep(code: string, language: string): Promise<void> {
  const { saveCode } = await import("./save-code");
  saveCode(code, language);
}

function ColouredCode({ code, language }: { code: string; language: string }) {
  const HighlightedCode = useHighlightedCode();
  return HighlightedCode ? <HighlightedCode code={code} language={language} /> : code;
}
