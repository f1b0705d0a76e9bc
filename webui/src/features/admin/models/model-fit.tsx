/** Whether a model fits into this machine's memory, and about how fast it writes here. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import type { ModelView } from "@/api/types.gen";
import { roughly } from "@/lib/roughly";
import { useFormat } from "@/ui/use-format";

interface Props {
  model: Pick<ModelView, "memory_bytes" | "tokens_per_s">;
  freeMemoryBytes: number;
  totalMemoryBytes: number;
}

export function ModelFit({ model, freeMemoryBytes, totalMemoryBytes }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const fit = fitOf(model.memory_bytes, freeMemoryBytes, totalMemoryBytes);
  return (
    <>
      {fit !== null && (
        <Box component="span" sx={{ color: COLOURS[fit], fontWeight: 600 }}>
          {t(`admin.models.fit.${fit}`)}
        </Box>
      )}
      {model.tokens_per_s !== null && (
        <span>
          {fit !== null && " · "}
          {t("admin.models.speed", { speed: format.number(roughly(model.tokens_per_s)) })}
        </span>
      )}
    </>
  );
}

const COLOURS = { now: "success.main", later: "warning.main", never: "error.main" } as const;

function fitOf(need: number | null, free: number, total: number): keyof typeof COLOURS | null {
  if (need === null) return null;
  if (need <= free) return "now";
  return need <= total ? "later" : "never";
}
