/** What of the disk is ours, and what is free. What others have on it is not told. */
import { useTranslation } from "react-i18next";
import type { Storage } from "@/api/types.gen";
import { colour, FREE, QUIET } from "@/ui/charts/colours";
import { ShareBar } from "@/ui/charts/share-bar";
import { useFormat } from "@/ui/use-format";

interface Props {
  storage: Storage;
}

export function DiskShares({ storage }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const shares = [
    { key: "models", name: t("admin.storage.models"), value: storage.model_bytes, colour: colour(0) },
    {
      key: "database",
      name: t("admin.storage.database"),
      value: storage.database_bytes + (storage.wal_bytes ?? 0),
      colour: colour(1),
    },
    { key: "cache", name: t("admin.storage.cache"), value: storage.cache_bytes, colour: colour(2) },
    { key: "backups", name: t("admin.storage.backups"), value: storage.backup_bytes, colour: colour(3) },
    { key: "partial", name: t("admin.storage.partial"), value: storage.partial_bytes, colour: QUIET },
    { key: "free", name: t("admin.storage.free"), value: storage.free_disk_bytes, colour: FREE },
  ];
  const shown = shares.filter((share) => share.key !== "partial" || share.value > 0);
  return (
    <ShareBar title={t("admin.storage.disk")} level="h2" shares={shown} format={(share) => format.bytes(share.value)} />
  );
}
