/** Files on their way to the server, two at a time: they go on when their page is left. */
import { create } from "zustand";
import { uploadDocument } from "@/api/documents";
import { ApiError } from "@/api/errors";
import type { DocumentView } from "@/api/types.gen";

export interface Upload {
  id: number;
  /** Where they are shown: a chat's id, "new", or "documents". */
  place: string;
  file: File;
  state: "waiting" | "sending" | "failed";
  /** That the server has, 0 to 1. */
  share: number;
  error: unknown;
  /** What is done with it then. */
  arrived: (document: DocumentView) => unknown;
}

interface Uploads {
  items: readonly Upload[];
  begin: (files: readonly File[], place: string, arrived: Upload["arrived"]) => void;
  /** Stops it, or takes away what had failed. */
  remove: (id: number) => void;
  retry: (id: number) => void;
}

const MAX_AT_ONCE = 2;
const PICTURE = /\.(?:avif|bmp|gif|heic|heif|ico|jpe?g|png|tiff?|webp)$/i;

export const useUploads = create<Uploads>((set, get) => {
  const running = new Map<number, AbortController>();
  let numBegun = 0;
  const change = (id: number, fields: Partial<Upload>) =>
    set(({ items }) => ({ items: items.map((each) => (each.id === id ? { ...each, ...fields } : each)) }));
  const drop = (id: number) => set(({ items }) => ({ items: items.filter((each) => each.id !== id) }));
  const send = async ({ id, file, arrived }: Upload) => {
    const control = new AbortController();
    running.set(id, control);
    change(id, { state: "sending" });
    try {
      const onSent = (share: number) => change(id, { share });
      await arrived(await uploadDocument(file, { onSent, signal: control.signal }));
      drop(id);
    } catch (error) {
      if (control.signal.aborted) drop(id);
      else change(id, { state: "failed", error });
    } finally {
      running.delete(id);
      next();
    }
  };
  const next = () => {
    const waiting = get().items.filter(({ state }) => state === "waiting");
    for (const upload of waiting.slice(0, MAX_AT_ONCE - running.size)) send(upload);
  };
  return {
    items: [],
    begin: (files, place, arrived) => {
      const more = files.map((file): Upload => {
        numBegun += 1;
        const error = refusalOf(file);
        return { id: numBegun, place, file, state: error ? "failed" : "waiting", share: 0, error, arrived };
      });
      set(({ items }) => ({ items: [...items, ...more] }));
      next();
    },
    remove: (id) => {
      const control = running.get(id);
      if (control) control.abort();
      else drop(id);
    },
    retry: (id) => {
      change(id, { state: "waiting", share: 0, error: null });
      next();
    },
  };
});

/** What need not be sent to be known. */
function refusalOf(file: File): ApiError | null {
  if (isPicture(file)) return new ApiError("picture", "Pictures cannot be read yet.", null, 400);
  return file.size === 0 ? new ApiError("document_empty", "The file is empty.", null, 400) : null;
}

function isPicture({ name, type }: File): boolean {
  return PICTURE.test(name) || (type.startsWith("image/") && type !== "image/svg+xml");
}
