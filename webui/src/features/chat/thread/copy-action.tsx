/** Copies a message as it was written. */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { copyText } from "@/lib/clipboard";
import { IconAction } from "@/ui/icon-action";

interface Props {
  text: string;
}

export function CopyAction({ text }: Props) {
  const { t } = useTranslation();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <IconAction
      icon={isCopied ? "check" : "copy"}
      iconSize={17}
      label={isCopied ? t("markdown.copied") : t("chat.copy")}
      onClick={async () => setCopied(await copyText(text))}
    />
  );
}
