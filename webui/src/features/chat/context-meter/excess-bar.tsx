/** A message that is too long: how much there is, of how much there may be. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import type { PreviewView } from "@/api/types.gen";
import { useFormat } from "@/ui/use-format";

interface Props {
  preview: PreviewView;
}

export function ExcessBar({ preview }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const num = preview.num_prompt_tokens ?? 0;
  const most = preview.context_length ?? 0;
  return (
    <Box
      sx={{ display: "flex", alignItems: "center", gap: 1, color: "error.main", fontSize: "0.78rem", flexShrink: 0 }}
    >
      <Box sx={{ width: 28, height: 6, borderRadius: 3, bgcolor: "error.main" }} />
      {t("composer.excess", { num: format.number(num), most: format.number(most) })}
    </Box>
  );
}
