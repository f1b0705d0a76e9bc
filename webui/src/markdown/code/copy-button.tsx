/** Copies a text; says for a moment that it has. */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { copyText } from "@/lib/clipboard";

const SAID_FOR_MS = 2000;

interface Props {
  text: string;
}

export function CopyButton({ text }: Props) {
  const { t } = useTranslation();
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  useEffect(() => {
    if (state === "idle") return;
    const timer = setTimeout(() => setState("idle"), SAID_FOR_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = async () => setState((await copyText(text)) ? "copied" : "failed");
  const says = { idle: t("markdown.copy"), copied: t("markdown.copied"), failed: t("markdown.notCopied") }[state];
  return (
    <button type="button" onClick={copy}>
      <span aria-live="polite">{says}</span>
    </button>
  );
}
