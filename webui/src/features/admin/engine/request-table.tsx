/** The last requests that ended: what each cost, and how long its asker waited. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import type { RequestView } from "@/api/types.gen";
import { useFormat } from "@/ui/use-format";
import { adminKeys, POLL_MS } from "../admin-keys";
import { type Column, DataTable } from "../parts/data-table";
import { Loaded } from "../parts/loaded";
import { ownerName } from "../parts/owner-name";

export function RequestTable() {
  const { t } = useTranslation();
  const format = useFormat();
  const requests = useQuery({
    queryKey: adminKeys.requests,
    queryFn: ({ signal }) => call("GET /api/admin/requests", { signal }),
    refetchInterval: POLL_MS,
    staleTime: 0,
  });
  const time = (ms: number | null) => (ms === null ? "–" : format.duration(ms));
  const columns: Column<RequestView>[] = [
    {
      key: "owner",
      label: t("admin.work.owner"),
      isHeader: true,
      show: (row) => ownerName(t, row.user_id, row.username),
    },
    { key: "model", label: t("admin.model"), show: (row) => row.model },
    { key: "state", label: t("admin.requests.end"), show: (row) => t(`admin.requests.states.${row.state}`) },
    { key: "at", label: t("admin.requests.at"), isNumber: true, show: (row) => format.time(row.started_at_ms) },
    { key: "read", label: t("admin.work.read"), isNumber: true, show: (row) => format.number(row.num_read_tokens) },
    {
      key: "cached",
      label: t("admin.work.cached"),
      isNumber: true,
      show: (row) => format.number(row.num_cached_tokens),
    },
    {
      key: "written",
      label: t("admin.work.written"),
      isNumber: true,
      show: (row) => format.number(row.num_written_tokens),
    },
    { key: "queue", label: t("admin.requests.queue"), isNumber: true, show: (row) => time(row.queue_ms) },
    { key: "first", label: t("admin.requests.first"), isNumber: true, show: (row) => time(row.first_text_ms) },
    { key: "total", label: t("admin.requests.total"), isNumber: true, show: (row) => time(row.total_ms) },
  ];
  return (
    <Loaded query={requests}>
      {({ data }) => (
        <DataTable
          label={t("admin.requests.title")}
          columns={columns}
          rows={data}
          keyOf={(row) => row.request_id}
          empty={t("admin.requests.none")}
        />
      )}
    </Loaded>
  );
}
