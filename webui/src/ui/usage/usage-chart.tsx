/** What was spent, day by day: what is counted can be chosen, what is told apart has a colour. */
import Box from "@mui/material/Box";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { BarChart } from "../charts/bar-chart";
import { timeTicks } from "../charts/scale";
import { Select } from "../select";
import { useFormat } from "../use-format";
import { MEASURES, type Measure, measured, type UsageEntry, usageBars } from "./usage-bars";

interface Props {
  entries: readonly UsageEntry[];
  firstDay: string;
  lastDay: string;
  measure: Measure;
  onMeasure: (measure: Measure) => void;
}

export function UsageChart({ entries, firstDay, lastDay, measure, onMeasure }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const shown = (value: number) => (measure === "time" ? format.duration(value) : format.compact(value));
  const rest = t("usage.others");
  const { series, bars } = useMemo(
    () => usageBars(entries, measure, { firstDay, lastDay, rest, date: (at) => format.day(at) }),
    [entries, measure, firstDay, lastDay, rest, format],
  );
  const total = entries.reduce((sum, entry) => sum + measured(entry, measure), 0);
  const title = t(`usage.measures.${measure}`);
  const exact = measure === "time" ? format.duration(total) : format.number(total);
  return (
    <>
      <Box sx={{ mb: 2, width: 260, maxWidth: "100%" }}>
        <Select
          label={t("usage.measure")}
          value={measure}
          options={MEASURES.map((each) => ({ value: each, label: t(`usage.measures.${each}`) }))}
          onValue={onMeasure}
        />
      </Box>
      <BarChart
        title={title}
        summary={t("usage.summary", { what: title, total: exact })}
        heading={t("usage.day")}
        series={series.length > 0 ? series : [title]}
        bars={bars}
        format={shown}
        {...(measure === "time" ? { ticksFor: timeTicks } : {})}
      />
    </>
  );
}
