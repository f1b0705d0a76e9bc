/** The engines in a line each. */
import { useTranslation } from "react-i18next";
import type { EngineView } from "@/api/types.gen";
import { useFormat } from "@/ui/use-format";
import { NoEngine } from "../engine/no-engine";
import { latestRate, type Sample } from "../engine/rates";
import { type Column, DataTable } from "../parts/data-table";
import { EngineState } from "../parts/engine-state";

interface Props {
  engines: readonly EngineView[];
  history: readonly Sample[];
}

export function EngineTable({ engines, history }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const rate = (value: number | null | undefined) =>
    value === null || value === undefined ? "–" : format.number(Math.round(value));
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
      key: "running",
      label: t("admin.overview.running"),
      isNumber: true,
      show: (row) => format.number(row.num_running),
    },
    { key: "waiting", label: t("admin.overview.queue"), isNumber: true, show: (row) => format.number(row.num_waiting) },
    {
      key: "read",
      label: t("admin.overview.readPerS"),
      isNumber: true,
      show: (row) => rate(latestRate(history, row.model)?.readPerS),
    },
    {
      key: "written",
      label: t("admin.overview.writtenPerS"),
      isNumber: true,
      show: (row) => rate(latestRate(history, row.model)?.writtenPerS),
    },
    {
      key: "cells",
      label: t("admin.overview.cells"),
      isNumber: true,
      show: (row) => (row.num_cells_total > 0 ? format.percent(row.num_cells / row.num_cells_total) : "–"),
    },
    {
      key: "cached",
      label: t("admin.overview.cached"),
      isNumber: true,
      show: (row) => (row.cache_hit_share === null ? "–" : format.percent(row.cache_hit_share)),
    },
  ];
  if (engines.length === 0) return <NoEngine />;
  return (
    <DataTable
      label={t("admin.overview.engines")}
      columns={columns}
      rows={engines}
      keyOf={(row) => row.model}
      empty={t("admin.engine.none")}
    />
  );
}
