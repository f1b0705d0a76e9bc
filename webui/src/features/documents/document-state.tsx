/** How far a document is, in words: being read, why it could not be, or what it has. */
import { useTranslation } from "react-i18next";
import type { DocumentView } from "@/api/types.gen";
import { useFormat } from "@/ui/use-format";

/** Of src/bdchat/reading/reasons.py. */
const REASONS = [
  "empty",
  "unknown_format",
  "damaged",
  "encrypted",
  "no_text",
  "too_many_pages",
  "too_large_unpacked",
  "too_much_text",
  "too_slow",
  "out_of_memory",
  "reader_died",
] as const;
type Reason = (typeof REASONS)[number];

export function useReasonText(): (code: string) => string {
  const { t } = useTranslation();
  return (code) => t(`documents.reasons.${(REASONS as readonly string[]).includes(code) ? (code as Reason) : "other"}`);
}

/** `isShort`: where there is room for a few words only. */
export function useStateText(): (document: DocumentView, isShort?: boolean) => string {
  const { t } = useTranslation();
  const format = useFormat();
  const reasonOf = useReasonText();
  return (document, isShort = false) => {
    const { status, num_pages: numPages, num_pages_read: numRead } = document;
    switch (status) {
      case "uploading":
      case "waiting":
        return t("documents.states.waiting");
      case "reading":
        if (numRead === 0) return t("documents.states.opening");
        return numPages === null
          ? t("documents.states.readingSome", { num: format.number(numRead) })
          : t("documents.states.reading", { num: format.number(numRead), total: format.number(numPages) });
      case "paused":
        return t("documents.states.paused", { num: format.number(numRead) });
      case "failed":
        return isShort ? t("documents.states.failed") : reasonOf(document.error?.code ?? "");
      case "ready": {
        if (isShort) return t("documents.pages", { count: numPages ?? numRead });
        const { notes } = document;
        const numScanned = notes.pages_scanned ?? 0;
        const numUnreadable = (notes.pages_without_characters ?? 0) + (notes.pages_damaged ?? 0);
        const numInside = (notes.embedded_files_ignored ?? 0) + (notes.attachments_ignored ?? 0);
        const share = document.num_passages > 0 ? document.num_vectors / document.num_passages : 1;
        const parts = [
          t("documents.pages", { count: numPages ?? numRead }),
          format.bytes(document.num_bytes),
          numScanned > 0 && t("documents.scanned", { count: numScanned }),
          numUnreadable > 0 && t("documents.unreadable", { count: numUnreadable }),
          numInside > 0 && t("documents.inside", { count: numInside }),
          document.vectors === "running" && t("documents.vectorsRunning", { share: format.percent(share) }),
          document.vectors === "waiting" && t("documents.vectorsWaiting"),
        ];
        return parts.filter(Boolean).join(" · ");
      }
    }
  };
}

/** It is still changing by itself. */
export function isOnItsWay({ status }: DocumentView): boolean {
  return status === "uploading" || status === "waiting" || status === "reading";
}

/** 0 to 1; null: it cannot be told. */
export function shareRead({ num_pages: numPages, num_pages_read: numRead }: DocumentView): number | null {
  return numPages ? numRead / numPages : null;
}
