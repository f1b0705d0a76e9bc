/** What is kept and how much room it takes: the disk, the database, the largest accounts, backups. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import type { Storage } from "@/api/types.gen";
import { adminKeys } from "../admin-keys";
import { AdminPage } from "../parts/admin-page";
import { Card } from "../parts/card";
import { Loaded } from "../parts/loaded";
import { Section } from "../parts/section";
import { AccountTable } from "./account-table";
import { BackupList } from "./backup-list";
import { DatabaseCard } from "./database-card";
import { DatabaseWarning } from "./database-warning";
import { DiskShares } from "./disk-shares";

export function StoragePage() {
  const { t } = useTranslation();
  const storage = useQuery({
    queryKey: adminKeys.storage,
    queryFn: ({ signal }) => call("GET /api/admin/storage", { signal }),
    staleTime: 0,
  });
  return (
    <AdminPage title={t("admin.nav.storage")}>
      <Loaded query={storage}>{(kept) => <Kept storage={kept} />}</Loaded>
      <Section title={t("admin.backups.title")} text={t("admin.backups.text")}>
        <BackupList />
      </Section>
    </AdminPage>
  );
}

function Kept({ storage }: { storage: Storage }) {
  const { t } = useTranslation();
  return (
    <>
      <DatabaseWarning text={storage.database_warning} version={storage.database_version} />
      <Card>
        <DiskShares storage={storage} />
      </Card>
      <Section title={t("admin.database.title")}>
        <DatabaseCard storage={storage} />
      </Section>
      <Section title={t("admin.accounts.title")}>
        <AccountTable storage={storage} />
      </Section>
    </>
  );
}
