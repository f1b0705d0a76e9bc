/** A model that is here: what it is, what it needs, and what can be done with it. */
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { useTranslation } from "react-i18next";
import type { ModelView } from "@/api/types.gen";
import { roughly } from "@/lib/roughly";
import { Meter } from "@/ui/meter";
import { useFormat } from "@/ui/use-format";
import { Card } from "../parts/card";
import { EngineState } from "../parts/engine-state";
import { Facts } from "../parts/facts";
import { ToldWithDetails } from "../parts/told-with-details";
import { ModelActions } from "./model-actions";
import { ModelFit } from "./model-fit";
import { ModelLanguages } from "./model-languages";

interface Props {
  model: ModelView;
  freeMemoryBytes: number;
  totalMemoryBytes: number;
}

export function InstalledModel({ model, freeMemoryBytes, totalMemoryBytes }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Card>
      <Box
        component="article"
        aria-label={model.name}
        sx={{ display: "grid", gap: 1.5, height: "100%", alignContent: "start" }}
      >
        <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "baseline", columnGap: 1.5 }}>
          <Typography variant="h3" sx={{ overflowWrap: "anywhere" }}>
            {model.name}
          </Typography>
          {model.is_default && (
            <Typography variant="body2" color="primary" sx={{ fontWeight: 600 }}>
              {t("admin.models.default")}
            </Typography>
          )}
          {model.served !== null && (
            <Typography component="div" variant="body2">
              <EngineState state={model.served} />
            </Typography>
          )}
        </Box>
        {model.good_for !== null && (
          <Typography variant="body2">{t(`admin.models.goodFor.${model.good_for}`)}</Typography>
        )}
        <Facts
          facts={[
            [t("admin.models.languages"), <ModelLanguages key="languages" codes={model.languages} />],
            [t("admin.models.parameters"), model.parameters || "–"],
            [t("admin.models.quantization"), model.quantization || "–"],
            [t("admin.context"), model.n_ctx_train === null ? "–" : format.number(model.n_ctx_train)],
            [t("admin.models.size"), format.bytes(model.num_bytes)],
            [t("admin.models.checksum"), model.checksum === null ? "–" : t(`admin.checksums.${model.checksum}`)],
          ]}
        />
        <MemoryNeed model={model} freeMemoryBytes={freeMemoryBytes} totalMemoryBytes={totalMemoryBytes} />
        {!model.is_deletable && (
          <Typography variant="body2" color="textSecondary">
            {t("admin.models.elsewhereText")}
          </Typography>
        )}
        {model.state === "broken" && (
          <ToldWithDetails severity="error" text={t("admin.models.broken")} details={model.note} />
        )}
        {model.state === "installed" && model.kind !== "chat" && (
          <ToldWithDetails severity="info" text={t("admin.models.unsuited")} details={model.note} />
        )}
        {model.context_cut !== null && (
          <ToldWithDetails severity="info" text={t("admin.models.cut")} details={model.context_cut} />
        )}
        {model.problem !== null && (
          <ToldWithDetails severity="error" text={t("admin.models.failed")} details={model.problem} />
        )}
        {model.checksum === "changed" && <Alert severity="warning">{t("admin.models.changed")}</Alert>}
        <ModelActions model={model} />
      </Box>
    </Card>
  );
}

/** Of a model that is not loaded: whether it would fit now. */
function MemoryNeed({ model, freeMemoryBytes, totalMemoryBytes }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  if (model.memory_bytes === null || model.n_ctx === null) return null;
  const need = t("admin.models.need", {
    memory: format.bytes(model.memory_bytes),
    tokens: format.number(model.n_ctx),
  });
  const { tokens_per_s } = model;
  if (model.served !== null)
    return (
      <Typography variant="body2">
        {need} {tokens_per_s !== null && t("admin.models.speed", { speed: format.number(roughly(tokens_per_s)) })}
      </Typography>
    );
  return (
    <div>
      <Typography variant="body2" sx={{ mb: 0.75 }}>
        {need} <ModelFit model={model} freeMemoryBytes={freeMemoryBytes} totalMemoryBytes={totalMemoryBytes} />
      </Typography>
      <Meter
        label={t("admin.models.needShare")}
        share={Math.min(1, model.memory_bytes / Math.max(1, freeMemoryBytes))}
      />
    </div>
  );
}
