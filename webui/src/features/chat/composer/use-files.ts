/** Files that are chosen, pasted, or dropped anywhere on the page: texts are attached, of others it is said why not. */
import { useEffect, useEffectEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Attachment } from "../attachment";

export function useFiles(attach: (read: readonly Attachment[]) => void) {
  const { t } = useTranslation();
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isOver, setOver] = useState(false);
  const take = async (files: readonly File[]) => {
    const { readTexts, MAX_FILES, MAX_FILE_BYTES } = await import("./read-texts");
    const { read, refused } = await readTexts(files);
    if (read.length > 0) attach(read);
    const most = { files: MAX_FILES, size: MAX_FILE_BYTES / 1_000_000 };
    const texts = refused.map(({ name, why }) => t(`composer.files.${why}`, { name, ...most }));
    setRefusal(texts.length > 0 ? texts.join(" ") : null);
  };
  const drop = useEffectEvent((files: readonly File[]) => take(files));
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(event.type === "dragover");
      if (event.type === "drop") drop([...event.dataTransfer.files]);
    };
    const leave = (event: DragEvent) => event.relatedTarget === null && setOver(false);
    // Before the guard of the page (lib/file-drops.ts), which takes what nobody took.
    const first = { capture: true };
    window.addEventListener("dragover", over, first);
    window.addEventListener("drop", over, first);
    window.addEventListener("dragleave", leave, first);
    return () => {
      window.removeEventListener("dragover", over, first);
      window.removeEventListener("drop", over, first);
      window.removeEventListener("dragleave", leave, first);
    };
  }, []);
  return { take, isOver, refusal, forget: () => setRefusal(null) };
}
