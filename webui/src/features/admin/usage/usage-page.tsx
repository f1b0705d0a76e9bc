/** What was spent, by day and by model or person, as a chart, as sums and as a file. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { call } from "@/api/client";
import type { AllUsage, AllUsageRow } from "@/api/types.gen";
import { Icon } from "@/ui/icon";
import { Select } from "@/ui/select";
import type { Measure } from "@/ui/usage/usage-bars";
import { UsageChart } from "@/ui/usage/usage-chart";
import { adminKeys } from "../admin-keys";
import { AdminPage } from "../parts/admin-page";
import { Card } from "../parts/card";
import { Loaded } from "../parts/loaded";
import { ownerName } from "../parts/owner-name";
import { Section } from "../parts/section";
import { OnlyUser } from "./only-user";
import { choiceOf, csvHref, SPANS, SPLITS, type Split, usageQuery } from "./usage-query";
import { UsageTotals } from "./usage-totals";

export function UsagePage() {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const choice = choiceOf(params);
  const { span, split, userId } = choice;
  const query = usageQuery(choice, Date.now());
  const usage = useQuery({
    queryKey: adminKeys.usage(query),
    queryFn: ({ signal }) => call("GET /api/admin/usage", { query, signal }),
    placeholderData: keepPreviousData,
  });
  const set = (name: string, value: string | null) => {
    const next = new URLSearchParams(params);
    if (value === null) next.delete(name);
    else next.set(name, value);
    setParams(next, { replace: true });
  };
  return (
    <AdminPage
      title={t("admin.nav.usage")}
      actions={
        <Button variant="outlined" href={csvHref(query)} download startIcon={<Icon name="download" size={18} />}>
          {t("admin.usage.csv")}
        </Button>
      }
    >
      <Box sx={{ display: "grid", gap: 1.5, gridTemplateColumns: "repeat(auto-fill, minmax(180px, 1fr))", mb: 2 }}>
        <Select
          label={t("admin.usage.span")}
          value={span}
          options={SPANS.map((each) => ({ value: each, label: t("admin.days", { count: Number(each) }) }))}
          onValue={(value) => set("days", value)}
        />
        <Select
          label={t("admin.usage.split")}
          value={split}
          options={SPLITS.map((each) => ({ value: each, label: t(`admin.usage.splits.${each}`) }))}
          onValue={(value) => set("by", value)}
        />
      </Box>
      {userId !== null && <OnlyUser userId={userId} clear={() => set("user", null)} />}
      <Loaded query={usage}>{(report) => <Report report={report} split={split} />}</Loaded>
    </AdminPage>
  );
}

function Report({ report, split }: { report: AllUsage; split: Split }) {
  const { t } = useTranslation();
  const [measure, setMeasure] = useState<Measure>("written");
  const nameOf = useMemo(
    () => (row: AllUsageRow) =>
      split === "user" ? ownerName(t, row.user_id, row.username) : row.model || t("admin.usage.noModel"),
    [split, t],
  );
  const entries = useMemo(
    () => report.data.map((row) => ({ ...row, day: row.day ?? report.first_day, name: nameOf(row) })),
    [report, nameOf],
  );
  if (report.data.length === 0) return <Box sx={{ color: "text.secondary", py: 3 }}>{t("admin.usage.none")}</Box>;
  return (
    <>
      <Card>
        <UsageChart
          entries={entries}
          firstDay={report.first_day}
          lastDay={report.last_day}
          measure={measure}
          onMeasure={setMeasure}
        />
      </Card>
      <Section title={t("admin.usage.totals")}>
        <UsageTotals rows={report.data} total={report.total} nameOf={nameOf} split={split} />
      </Section>
    </>
  );
}
