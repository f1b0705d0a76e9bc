/** Files that are chosen, pasted, or dropped anywhere on the page: texts are attached, the others are told with the reason. */
import { useEffect, useEffectEvent, useState } from "react";
import type { Attachment } from "../attachment";
import type { Refusal } from "../writing/read-texts";

export function useFiles(attach: (read: readonly Attachment[]) => void) {
  const [refused, setRefused] = useState<readonly Refusal[]>([]);
  const [isOver, setOver] = useState(false);
  const take = async (files: readonly File[]) => {
    const { readTexts } = await import("../writing/read-texts");
    const found = await readTexts(files);
    if (found.read.length > 0) attach(found.read);
    setRefused(found.refused);
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
  return { take, isOver, refused, forget: () => setRefused([]) };
}
