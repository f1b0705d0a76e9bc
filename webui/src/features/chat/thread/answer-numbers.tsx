/**
 * What an answer took: speed, length, how much of the chat was read and how much was kept, and where; how long it waited
 * and was paused, what was guessed right, what the cache saved.
 */
import { useTranslation } from "react-i18next";
import type { MetadataView } from "@/api/types.gen";
import { useFormat } from "@/ui/use-format";

/** A shorter time is nothing that anybody has noticed. */
const LEAST_MS = 100;

interface Props {
  metadata: MetadataView;
}

export function AnswerNumbers({ metadata }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const { completion_tokens: written, decode_ms: ms, prompt_tokens: read, cached_tokens: cached } = metadata;
  const { queue_ms: waitedMs, spent } = metadata;
  const time = (took: number | undefined) => took !== undefined && took >= LEAST_MS && { time: format.duration(took) };
  const waited = time(waitedMs);
  const paused = time(spent?.swapped_ms);
  const saved = time(spent?.saved_ms);
  const parts = [
    ms > 0 && t("chat.speed", { speed: format.number((written * 1000) / ms) }),
    t("chat.written", { count: written, num: format.number(written) }),
    t("chat.read", { num: format.number(read - cached), cached: format.number(cached) }),
    !!spent?.num_cached_from_ram && t("chat.spent.fromRam", { num: format.number(spent.num_cached_from_ram) }),
    !!spent?.num_cached_from_disk && t("chat.spent.fromDisk", { num: format.number(spent.num_cached_from_disk) }),
    saved && t("chat.spent.saved", saved),
    waited && t("chat.spent.waited", waited),
    paused && t("chat.spent.paused", paused),
    !!spent?.num_drafted_tokens &&
      t("chat.spent.guessed", {
        right: format.number(spent.num_accepted_tokens),
        num: format.number(spent.num_drafted_tokens),
      }),
  ];
  return parts
    .filter(Boolean)
    .map((part) => ` · ${part}`)
    .join("");
}
