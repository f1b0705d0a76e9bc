/** What an answer took: behind a button, or beside it for who wants to see that always. */
import Box from "@mui/material/Box";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useShowsStatistics } from "@/api/statistics";
import type { MetadataView } from "@/api/types.gen";
import { IconAction } from "@/ui/icon-action";
import { useFormat } from "@/ui/use-format";

interface Props {
  metadata: MetadataView;
}

export function AnswerCost({ metadata }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const isAlways = useShowsStatistics();
  const [isOpen, setOpen] = useState(false);
  const { model, completion_tokens: written, decode_ms: ms, prompt_tokens: read, cached_tokens: cached } = metadata;
  const hasNumbers = written > 0 || read > 0; // what was imported has none
  const parts = [
    model,
    ms > 0 && t("chat.speed", { speed: format.number((written * 1000) / ms) }),
    hasNumbers && t("chat.written", { count: written, num: format.number(written) }),
    hasNumbers && t("chat.read", { num: format.number(read - cached), cached: format.number(cached) }),
  ];
  const hasButton = hasNumbers && !isAlways;
  return (
    <>
      {hasButton && (
        <IconAction
          icon="info"
          iconSize={17}
          label={t("chat.cost")}
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        />
      )}
      {(isOpen || !hasButton) && (
        <Box component="span" sx={{ ml: 0.75, fontSize: "0.78rem", color: "text.secondary" }}>
          {parts.filter(Boolean).join(" · ")}
        </Box>
      )}
    </>
  );
}
