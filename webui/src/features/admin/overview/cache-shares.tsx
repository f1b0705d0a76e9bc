/** How much of all prompts was known already, and where it was found. Since the engines began. */
import { useTranslation } from "react-i18next";
import type { EngineView } from "@/api/types.gen";
import { colour, FREE } from "@/ui/charts/colours";
import { type Share, ShareBar } from "@/ui/charts/share-bar";
import { useFormat } from "@/ui/use-format";

interface Props {
  engines: readonly EngineView[];
}

export function CacheShares({ engines }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const sum = (num: (engine: EngineView) => number) => engines.reduce((total, engine) => total + num(engine), 0);
  const shares: Share[] = [
    {
      key: "resident",
      name: t("admin.cache.resident"),
      value: sum((engine) => engine.prompt_tokens_cached.resident),
      colour: colour(0),
    },
    {
      key: "ram",
      name: t("admin.cache.ram"),
      value: sum((engine) => engine.prompt_tokens_cached.ram),
      colour: colour(1),
    },
    {
      key: "disk",
      name: t("admin.cache.disk"),
      value: sum((engine) => engine.prompt_tokens_cached.disk),
      colour: colour(2),
    },
    { key: "read", name: t("admin.cache.read"), value: sum((engine) => engine.prompt_tokens_computed), colour: FREE },
  ];
  return (
    <ShareBar
      title={t("admin.cache.title")}
      shares={shares}
      format={(share, total) =>
        total > 0 ? `${format.percent(share.value / total)} · ${format.compact(share.value)}` : "–"
      }
    />
  );
}
