/** What one has used, day by day and model by model. */
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import { readersZone } from "@/lib/days";
import { Loading } from "@/ui/loading";
import { QueryProblem } from "@/ui/query-problem";
import type { Measure } from "@/ui/usage/usage-bars";
import { UsageChart } from "@/ui/usage/usage-chart";

export function OwnUsage() {
  const { t } = useTranslation();
  const [measure, setMeasure] = useState<Measure>("written");
  const usage = useQuery({
    queryKey: keys.usage,
    queryFn: ({ signal }) => call("GET /api/profile/usage", { query: { time_zone: readersZone() }, signal }),
  });
  const rows = usage.data?.data;
  const entries = useMemo(() => (rows ?? []).map((row) => ({ ...row, name: row.model })), [rows]);
  if (usage.isError) return <QueryProblem error={usage.error} retry={() => usage.refetch()} />;
  if (usage.isPending) return <Loading />;
  return (
    <>
      <Typography variant="h2" sx={{ mb: 2 }}>
        {t("profile.usage")}
      </Typography>
      {entries.length === 0 ? (
        <Typography color="textSecondary">{t("profile.noUsage")}</Typography>
      ) : (
        <UsageChart
          entries={entries}
          firstDay={usage.data.first_day}
          lastDay={usage.data.last_day}
          measure={measure}
          onMeasure={setMeasure}
        />
      )}
    </>
  );
}
