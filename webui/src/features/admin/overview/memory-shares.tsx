/** The machine's memory. */
import { useTranslation } from "react-i18next";
import { colour, FREE } from "@/ui/charts/colours";
import { ShareBar } from "@/ui/charts/share-bar";
import { useFormat } from "@/ui/use-format";

interface Props {
  freeBytes: number;
  totalBytes: number;
}

export function MemoryShares({ freeBytes, totalBytes }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <ShareBar
      title={t("admin.memory.title")}
      shares={[
        { key: "used", name: t("admin.memory.used"), value: Math.max(0, totalBytes - freeBytes), colour: colour(1) },
        { key: "free", name: t("admin.memory.free"), value: freeBytes, colour: FREE },
      ]}
      format={(share) => format.bytes(share.value)}
    />
  );
}
