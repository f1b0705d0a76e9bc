/** The engines, live: whose the cells are, what runs and waits, how the last requests went. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { adminKeys, POLL_MS } from "../admin-keys";
import { AdminPage } from "../parts/admin-page";
import { Card } from "../parts/card";
import { Loaded } from "../parts/loaded";
import { Section } from "../parts/section";
import { CellMap } from "./cell-map";
import { EngineFacts } from "./engine-facts";
import { NoEngine } from "./no-engine";
import { RequestTable } from "./request-table";
import { useEngines } from "./use-engines";
import { workOf } from "./work";
import { WorkTable } from "./work-table";

export function EnginePage() {
  const { t } = useTranslation();
  const engines = useEngines();
  const running = useQuery({
    queryKey: adminKeys.running,
    queryFn: ({ signal }) => call("GET /api/admin/generations", { signal }),
    refetchInterval: POLL_MS,
    staleTime: 0,
  });
  return (
    <AdminPage title={t("admin.nav.engine")}>
      <Loaded query={engines}>
        {({ engines: all }) => (
          <>
            {all.length === 0 && <NoEngine />}
            {all.map((engine) => (
              <Section key={engine.model} title={engine.model}>
                <Card>
                  <EngineFacts engine={engine} />
                  <CellMap engine={engine} />
                </Card>
              </Section>
            ))}
            <Section title={t("admin.work.title")}>
              <Loaded query={running}>{({ data }) => <WorkTable work={workOf(all, data, Date.now())} />}</Loaded>
            </Section>
          </>
        )}
      </Loaded>
      <Section title={t("admin.requests.title")} text={t("admin.requests.text")}>
        <RequestTable />
      </Section>
    </AdminPage>
  );
}
