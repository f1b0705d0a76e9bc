/** Which models are here, which are served, and fetching more. */
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { useFormat } from "@/ui/use-format";
import { adminKeys } from "../admin-keys";
import { useEngines } from "../engine/use-engines";
import { AdminPage } from "../parts/admin-page";
import { Loaded } from "../parts/loaded";
import { Section } from "../parts/section";
import { PinTable } from "../pins/pin-table";
import { AvailableTable } from "./available-table";
import { ElsewhereTable } from "./elsewhere-table";
import { HubSearch } from "./hub-search";
import { InstalledList } from "./installed-list";
import { PullForm } from "./pull-form";
import { PullList } from "./pull-list";

/** Changes are told as they happen; this is for free memory, and for files that somebody put there by hand. */
const LOOK_AGAIN_MS = 10_000;

export function ModelsPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const models = useQuery({
    queryKey: adminKeys.models,
    queryFn: ({ signal }) => call("GET /api/admin/models", { signal }),
    refetchInterval: LOOK_AGAIN_MS,
    staleTime: 0,
  });
  const engines = useEngines().data?.engines ?? [];
  return (
    <AdminPage title={t("admin.nav.models")}>
      <PullList />
      <Loaded query={models}>
        {({ data, free_memory_bytes: memory, total_memory_bytes: total, free_disk_bytes: disk }) => (
          <>
            <Section title={t("admin.models.installed")}>
              <Typography variant="body2" color="textSecondary" sx={{ mb: 1.5 }}>
                {t("admin.models.free", { memory: format.bytes(memory), disk: format.bytes(disk) })}
              </Typography>
              <InstalledList
                models={data.filter((model) => model.state !== "available")}
                freeMemoryBytes={memory}
                totalMemoryBytes={total}
              />
            </Section>
            <ElsewhereTable engines={engines} models={data} />
            <Section title={t("admin.models.catalog")} text={t("admin.models.catalogText")}>
              <AvailableTable
                models={data.filter((model) => model.state === "available" && model.kind === "chat")}
                freeMemoryBytes={memory}
                totalMemoryBytes={total}
              />
            </Section>
          </>
        )}
      </Loaded>
      <PinTable />
      {models.data?.hub_search && (
        <Section title={t("admin.models.hub")}>
          <HubSearch />
        </Section>
      )}
      <Section title={t("admin.models.other")} text={t("admin.models.otherText")}>
        <PullForm />
      </Section>
    </AdminPage>
  );
}
