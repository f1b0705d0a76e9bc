/** What a text that goes with a message is called: by its file's name or as pasted, and by its size. */
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "@/ui/use-format";
import type { Attached } from "./attachment";

export function useAttachedName({ text, name }: Attached): string {
  const { t } = useTranslation();
  const format = useFormat();
  const numBytes = useMemo(() => new Blob([text]).size, [text]); // of a megabyte, while somebody types beside it
  const size = format.bytes(numBytes);
  return name === undefined ? t("chat.pasted", { size }) : `${name}, ${size}`;
}
