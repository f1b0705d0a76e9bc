/** The entries of the log. */
import { useTranslation } from "react-i18next";
import type { AuditView } from "@/api/types.gen";
import { useFormat } from "@/ui/use-format";
import { type Column, DataTable } from "../parts/data-table";

interface Props {
  entries: readonly AuditView[];
}

export function AuditTable({ entries }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const columns: Column<AuditView>[] = [
    { key: "at", label: t("admin.audit.at"), isHeader: true, show: (row) => format.moment(row.at_ms) },
    { key: "who", label: t("admin.audit.who"), show: (row) => row.actor_name || row.actor_id || "–" },
    { key: "action", label: t("admin.audit.action"), show: (row) => <code>{row.action}</code> },
    { key: "target", label: t("admin.audit.target"), show: (row) => (row.target ? <code>{row.target}</code> : "–") },
    {
      key: "detail",
      label: t("admin.audit.detail"),
      show: (row) => (Object.keys(row.detail).length > 0 ? <code>{JSON.stringify(row.detail)}</code> : "–"),
    },
    { key: "ip", label: t("admin.audit.ip"), isNumber: true, show: (row) => row.ip || "–" },
  ];
  return (
    <DataTable
      label={t("admin.nav.audit")}
      columns={columns}
      rows={entries}
      keyOf={(row) => row.entry_id}
      empty={t("admin.audit.none")}
    />
  );
}
