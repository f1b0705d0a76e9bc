/** Files that are chosen, pasted, or dropped anywhere on the page: texts are attached, the others are told with the reason. */
import { useEffect, useEffectEvent, useState } from "react";
import { takeDrops } from "@/lib/file-drops";
import type { Attachment } from "../attachment";
import type { Refusal } from "../writing/read-texts";

/** `upload`: takes them as documents; null: they go with the message, as texts. */
export function useFiles(
  attach: (read: readonly Attachment[]) => void,
  upload: ((files: readonly File[]) => void) | null,
) {
  const [refused, setRefused] = useState<readonly Refusal[]>([]);
  const [isOver, setOver] = useState(false);
  const take = async (files: readonly File[]) => {
    if (upload) return upload(files);
    const { readTexts } = await import("../writing/read-texts");
    const found = await readTexts(files);
    if (found.read.length > 0) attach(found.read);
    setRefused(found.refused);
  };
  const drop = useEffectEvent((files: readonly File[]) => take(files));
  useEffect(() => takeDrops((files) => drop(files), setOver), []);
  return { take, isOver, refused, forget: () => setRefused([]) };
}
