/** Copies a message as it was written, or the address of it. */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { copyText } from "@/lib/clipboard";
import { IconAction } from "@/ui/icon-action";

interface Props {
  text: string;
  icon?: "copy" | "link";
  label?: string;
}

export function CopyAction({ text, icon = "copy", label }: Props) {
  const { t } = useTranslation();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <IconAction
      icon={isCopied ? "check" : icon}
      iconSize={17}
      label={isCopied ? t("markdown.copied") : (label ?? t("chat.copy"))}
      onClick={async () => setCopied(await copyText(text))}
    />
  );
}
