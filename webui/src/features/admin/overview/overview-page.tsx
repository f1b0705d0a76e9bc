/** The server at a glance: how fast, for how many, out of what cache, and what goes wrong. Live. */
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import type { Overview } from "@/api/types.gen";
import { useFormat } from "@/ui/use-format";
import { adminKeys, POLL_MS } from "../admin-keys";
import { type Engines, useEngines } from "../engine/use-engines";
import { AdminPage } from "../parts/admin-page";
import { Card } from "../parts/card";
import { Grid } from "../parts/grid";
import { Loaded } from "../parts/loaded";
import { Section } from "../parts/section";
import { CacheShares } from "./cache-shares";
import { EngineTable } from "./engine-table";
import { ErrorTable } from "./error-table";
import { MemoryShares } from "./memory-shares";
import { OverviewStats } from "./overview-stats";
import { RateChart } from "./rate-chart";

export function OverviewPage() {
  const { t } = useTranslation();
  const engines = useEngines();
  const overview = useQuery({
    queryKey: adminKeys.overview,
    queryFn: ({ signal }) => call("GET /api/admin/overview", { signal }),
    refetchInterval: POLL_MS,
    staleTime: 0,
  });
  return (
    <AdminPage title={t("admin.nav.overview")}>
      <Loaded query={overview}>
        {(seen) => <Loaded query={engines}>{(engines) => <Glance overview={seen} engines={engines} />}</Loaded>}
      </Loaded>
    </AdminPage>
  );
}

function Glance({ overview, engines: { engines, history } }: { overview: Overview; engines: Engines }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <>
      <OverviewStats overview={overview} history={history} />
      <Section title={t("admin.overview.now")}>
        <Grid min={420}>
          <Card>
            <RateChart history={history} />
          </Card>
          <Grid min={260}>
            <Card>
              <CacheShares engines={engines} />
            </Card>
            <Card>
              <MemoryShares freeBytes={overview.free_memory_bytes} totalBytes={overview.total_memory_bytes} />
            </Card>
          </Grid>
        </Grid>
      </Section>
      <Section title={t("admin.overview.engines")}>
        <EngineTable engines={engines} history={history} />
      </Section>
      <Section title={t("admin.overview.errors")} text={t("admin.overview.errorsText")}>
        <ErrorTable numByCode={overview.errors_last_hour} />
      </Section>
      <Typography variant="body2" color="textSecondary" sx={{ mt: 4 }}>
        {t("admin.overview.about", {
          version: overview.version,
          database: overview.database_version,
          time: format.duration(overview.uptime_s * 1000),
        })}
      </Typography>
    </>
  );
}
