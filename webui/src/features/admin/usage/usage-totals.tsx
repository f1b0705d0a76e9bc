/** The sums of a time, by what is told apart, with all of it in the last line. */
import { useTranslation } from "react-i18next";
import type { AllUsageRow, UsageSums } from "@/api/types.gen";
import { measured } from "@/ui/usage/usage-bars";
import { useFormat } from "@/ui/use-format";
import { type Column, DataTable } from "../parts/data-table";
import { type Split, totalsBy, type UsageTotal } from "./usage-query";

interface Props {
  rows: readonly AllUsageRow[];
  total: UsageSums;
  split: Split;
  nameOf: (row: AllUsageRow) => string;
}

type Line = UsageSums & { name: string };

export function UsageTotals({ rows, total, split, nameOf }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const lines: Line[] = [
    ...totalsBy(rows, nameOf),
    { ...total, name: t("admin.usage.all") } satisfies Line | UsageTotal,
  ];
  const count = (key: "written" | "read" | "cached" | "requests" | "messages"): Column<Line> => ({
    key,
    label: t(`usage.measures.${key}`),
    isNumber: true,
    show: (row) => format.number(measured(row, key)),
  });
  const columns: Column<Line>[] = [
    { key: "name", label: t(`admin.usage.splits.${split}`), isHeader: true, show: (row) => row.name },
    count("requests"),
    count("messages"),
    count("written"),
    count("read"),
    count("cached"),
    {
      key: "time",
      label: t("usage.measures.time"),
      isNumber: true,
      show: (row) => format.duration(measured(row, "time")),
    },
  ];
  return (
    <DataTable
      label={t("admin.usage.totals")}
      columns={columns}
      rows={lines}
      keyOf={(row) => row.name}
      empty={t("admin.usage.none")}
    />
  );
}
