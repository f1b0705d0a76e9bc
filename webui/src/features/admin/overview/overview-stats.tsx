/** The numbers of the moment. */
import { useTranslation } from "react-i18next";
import type { Overview } from "@/api/types.gen";
import { useFormat } from "@/ui/use-format";
import { latestRate, type Sample } from "../engine/rates";
import { Grid } from "../parts/grid";
import { Stat } from "../parts/stat";

interface Props {
  overview: Overview;
  history: readonly Sample[];
}

export function OverviewStats({ overview, history }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const rate = latestRate(history);
  const perS = (value: number | null | undefined) =>
    value === null || value === undefined ? "–" : format.number(value < 10 ? value : Math.round(value));
  return (
    <Grid min={150} component="dl">
      <Stat name={t("admin.overview.readPerS")} value={perS(rate?.readPerS)} note={t("admin.overview.perS")} />
      <Stat name={t("admin.overview.writtenPerS")} value={perS(rate?.writtenPerS)} note={t("admin.overview.perS")} />
      <Stat
        name={t("admin.overview.running")}
        value={format.number(overview.num_running)}
        note={t("admin.overview.waiting", { count: overview.num_waiting })}
      />
      <Stat
        name={t("admin.overview.online")}
        value={format.number(overview.num_people_online)}
        note={t("admin.overview.sockets", { count: overview.num_sockets })}
      />
      <Stat
        name={t("admin.overview.accounts")}
        value={format.number(overview.num_users)}
        note={t("admin.overview.messages", { num: format.compact(overview.num_messages) })}
      />
      <Stat
        name={t("admin.overview.errorsShort")}
        value={format.number(overview.num_failures_last_hour)}
        note={t("admin.overview.lastHour")}
      />
    </Grid>
  );
}
