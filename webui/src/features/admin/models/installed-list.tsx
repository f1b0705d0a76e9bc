/** The models on this machine's disk. */
import Typography from "@mui/material/Typography";
import { useTranslation } from "react-i18next";
import type { ModelView } from "@/api/types.gen";
import { Grid } from "../parts/grid";
import { InstalledModel } from "./installed-model";

interface Props {
  models: readonly ModelView[];
  freeMemoryBytes: number;
  totalMemoryBytes: number;
}

export function InstalledList({ models, freeMemoryBytes, totalMemoryBytes }: Props) {
  const { t } = useTranslation();
  if (models.length === 0) return <Typography color="textSecondary">{t("admin.models.noneInstalled")}</Typography>;
  return (
    <Grid min={400} keepsWidth>
      {models.map((model) => (
        <InstalledModel
          key={model.name}
          model={model}
          freeMemoryBytes={freeMemoryBytes}
          totalMemoryBytes={totalMemoryBytes}
        />
      ))}
    </Grid>
  );
}
