/** Models that are served and whose files are known no more: they can be used, and not be loaded again. */
import { useTranslation } from "react-i18next";
import type { EngineView, ModelView } from "@/api/types.gen";
import { type Column, DataTable } from "../parts/data-table";
import { EngineState } from "../parts/engine-state";
import { Section } from "../parts/section";
import { ModelActions } from "./model-actions";

interface Props {
  engines: readonly EngineView[];
  models: readonly ModelView[];
}

export function ElsewhereTable({ engines, models }: Props) {
  const { t } = useTranslation();
  const here = new Set(models.filter((model) => model.state !== "available").map((model) => model.name));
  const rows = engines.filter((engine) => !here.has(engine.model));
  if (rows.length === 0) return null;
  const columns: Column<EngineView>[] = [
    {
      key: "model",
      label: t("admin.model"),
      isHeader: true,
      show: (row) => (row.is_default ? t("admin.defaultOf", { model: row.model }) : row.model),
    },
    {
      key: "state",
      label: t("admin.state"),
      show: (row) => <EngineState state={row.is_leaving ? "leaving" : row.state} />,
    },
    {
      key: "actions",
      label: t("admin.rowActions"),
      isUnlabelled: true,
      show: (row) => !row.is_leaving && <ModelActions model={asModel(row)} isLost />,
    },
  ];
  return (
    <Section title={t("admin.models.lost")} text={t("admin.models.lostText")}>
      <DataTable
        label={t("admin.models.lost")}
        columns={columns}
        rows={rows}
        keyOf={(row) => row.model}
        empty={t("admin.engine.none")}
      />
    </Section>
  );
}

function asModel({ model, state, is_default }: EngineView) {
  return {
    name: model,
    state: "installed",
    kind: "chat",
    served: state,
    is_default,
    num_bytes: 0,
    is_deletable: false,
  } as const;
}
