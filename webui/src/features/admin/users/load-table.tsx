/** What each account asks of the models now, against what it may; all who have no account are one. */
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import type { AccountLoad } from "@/api/types.gen";
import { useFormat } from "@/ui/use-format";
import { adminKeys, POLL_MS } from "../admin-keys";
import { type Column, DataTable } from "../parts/data-table";
import { Loaded } from "../parts/loaded";
import { ownerName } from "../parts/owner-name";
import { LIMITS } from "./limits";

export function LoadTable() {
  const { t } = useTranslation();
  const format = useFormat();
  const loads = useQuery({
    queryKey: adminKeys.loads,
    queryFn: ({ signal }) => call("GET /api/admin/limits", { signal }),
    refetchInterval: POLL_MS,
    staleTime: 0,
  });
  const against = (number: number, limit: number) =>
    limit === 0
      ? format.number(number)
      : t("admin.limits.of", { number: format.number(number), limit: format.number(limit) });
  const columns: Column<AccountLoad>[] = [
    {
      key: "name",
      label: t("admin.users.name"),
      isHeader: true,
      show: (row) => ownerName(t, row.user_id, row.username),
    },
    {
      key: "running",
      label: t(LIMITS.max_running.label),
      isNumber: true,
      show: (row) => against(row.num_running, row.bounds.max_running),
    },
    {
      key: "queued",
      label: t(LIMITS.max_queued.label),
      isNumber: true,
      show: (row) => against(row.num_waiting, row.bounds.max_queued),
    },
    {
      key: "tokens",
      label: t("admin.limits.lastMinute"),
      isNumber: true,
      show: (row) => against(row.num_tokens, row.bounds.tokens_per_minute),
    },
    {
      key: "own",
      label: t("admin.limits.whose"),
      show: (row) => t(row.has_own ? "admin.limits.own" : "admin.users.usualQuota"),
    },
  ];
  return (
    <Loaded query={loads}>
      {({ data, num_more }) => (
        <>
          <DataTable
            label={t("admin.limits.title")}
            columns={columns}
            rows={data}
            keyOf={(row) => row.user_id}
            empty={t("admin.limits.nobody")}
          />
          {num_more > 0 && <Typography color="textSecondary">{t("admin.limits.more", { count: num_more })}</Typography>}
        </>
      )}
    </Loaded>
  );
}
