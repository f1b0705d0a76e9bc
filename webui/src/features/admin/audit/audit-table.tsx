/** The entries of the log. */
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import type { AuditView } from "@/api/types.gen";
import { useFormat } from "@/ui/use-format";
import { type Column, DataTable } from "../parts/data-table";
import { actionText, detailText, type Names, targetText } from "./entry-words";

/** The console has no account: somebody with a shell on the server. */
function whoText(t: TFunction, { actor_id, actor_name }: AuditView): string {
  if (!actor_id && actor_name === "console") return t("admin.audit.console");
  return actor_name || (actor_id ? t("admin.owner.gone") : "–");
}

interface Props {
  entries: readonly AuditView[];
  names: Names;
}

export function AuditTable({ entries, names }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const columns: Column<AuditView>[] = [
    { key: "at", label: t("admin.audit.at"), isHeader: true, show: (row) => format.moment(row.at_ms) },
    { key: "who", label: t("admin.audit.who"), show: (row) => whoText(t, row) },
    { key: "action", label: t("admin.audit.action"), show: (row) => actionText(t, row.action) },
    { key: "target", label: t("admin.audit.target"), show: (row) => targetText(t, row, names) },
    { key: "detail", label: t("admin.audit.detail"), show: (row) => detailText(t, format, row, names) },
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
