/** Tokens per second over the last minutes. */
import { useTranslation } from "react-i18next";
import { LineChart } from "@/ui/charts/line-chart";
import { useFormat } from "@/ui/use-format";
import { ratesOf, type Sample } from "../engine/rates";

interface Props {
  history: readonly Sample[];
}

export function RateChart({ history }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const rates = ratesOf(history);
  const latest = rates.at(-1);
  const shown = (value: number | null | undefined) => format.number(Math.round(value ?? 0));
  return (
    <LineChart
      title={t("admin.overview.rates")}
      summary={t("admin.overview.ratesNow", { read: shown(latest?.readPerS), written: shown(latest?.writtenPerS) })}
      heading={t("admin.overview.time")}
      series={[t("admin.overview.read"), t("admin.overview.written")]}
      points={rates.map((rate) => ({ label: format.clock(rate.atMs), values: [rate.readPerS, rate.writtenPerS] }))}
      format={(value) => format.number(value)}
    />
  );
}
