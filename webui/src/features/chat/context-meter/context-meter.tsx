/** Before sending: how full the context is, what of it is still known, and what reading the rest will take. */
import Box from "@mui/material/Box";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { PreviewView, SegmentView } from "@/api/types.gen";
import { useFormat } from "@/ui/use-format";
import { TierBar } from "./tier-bar";

/** Reading that takes less is not worth a word. */
const NOTICEABLE_MS = 100;

interface Props {
  preview: PreviewView | undefined;
}

export function ContextMeter({ preview }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  if (preview?.state === "loading" || preview?.state === "restarting") return <Note>{t("chat.meter.loading")}</Note>;
  if (preview?.state === "failed") return <Note>{t("chat.meter.failed")}</Note>;
  if (!preview || preview.too_long || preview.num_prompt_tokens === null || preview.num_to_read === null) return null;
  const { num_prompt_tokens: total, num_to_read: toRead, read_ms: ms, num_waiting: numWaiting } = preview;
  const label = t("chat.meter.read", { num: format.number(toRead), total: format.number(total) });
  const parts = [
    label,
    ms !== null && ms >= NOTICEABLE_MS && t("chat.eta", { time: format.duration(ms) }),
    numWaiting ? t("chat.meter.waiting", { count: numWaiting }) : null,
    preview.num_dropped_messages > 0 && t("chat.meter.dropped", { count: preview.num_dropped_messages }),
  ];
  const nameOf = (segment: SegmentView) =>
    t("chat.meter.segment", { num: format.number(segment.num_tokens), tier: t(`chat.meter.tiers.${segment.tier}`) });
  return (
    <Note>
      <TierBar segments={preview.segments} numMost={preview.context_length} label={label} nameOf={nameOf} />
      <Box component="span" className="ellipsis" sx={{ display: { xs: "none", sm: "inline" } }}>
        {parts.filter(Boolean).join(" · ")}
      </Box>
    </Note>
  );
}

function Note({ children }: { children: ReactNode }) {
  return (
    <Box
      sx={{ display: "flex", alignItems: "center", gap: 1, minWidth: 0, color: "text.secondary", fontSize: "0.78rem" }}
    >
      {children}
    </Box>
  );
}
