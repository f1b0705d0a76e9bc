/** What an answer took: behind a button, or beside it for who wants to see that always. */
import Box from "@mui/material/Box";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useShowsStatistics } from "@/api/statistics";
import type { MetadataView } from "@/api/types.gen";
import { IconAction } from "@/ui/icon-action";
import { AnswerNumbers } from "./late-parts";

interface Props {
  metadata: MetadataView;
}

export function AnswerCost({ metadata }: Props) {
  const { t } = useTranslation();
  const isAlways = useShowsStatistics();
  const [isOpen, setOpen] = useState(false);
  const hasNumbers = metadata.completion_tokens > 0 || metadata.prompt_tokens > 0; // what was imported has none
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
          {metadata.model}
          {hasNumbers && <AnswerNumbers.Part metadata={metadata} />}
        </Box>
      )}
    </>
  );
}
