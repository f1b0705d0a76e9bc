/** What an answer took: speed, length, how much of the chat was read and how much was still in memory. */
import { useTranslation } from "react-i18next";
import type { MetadataView } from "@/api/types.gen";
import { useFormat } from "@/ui/use-format";

interface Props {
  metadata: MetadataView;
}

export function AnswerNumbers({ metadata }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const { completion_tokens: written, decode_ms: ms, prompt_tokens: read, cached_tokens: cached } = metadata;
  const parts = [
    ms > 0 && t("chat.speed", { speed: format.number((written * 1000) / ms) }),
    t("chat.written", { count: written, num: format.number(written) }),
    t("chat.read", { num: format.number(read - cached), cached: format.number(cached) }),
  ];
  return parts
    .filter(Boolean)
    .map((part) => ` · ${part}`)
    .join("");
}
