/** The models of the catalog that are not here yet, and that something here can use. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useTranslation } from "react-i18next";
import type { ModelView } from "@/api/types.gen";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";
import { useFormat } from "@/ui/use-format";
import { type Column, DataTable } from "../parts/data-table";
import { ModelFit } from "./model-fit";
import { ModelLanguages } from "./model-languages";
import { usePull, usePulls } from "./use-pulls";

interface Props {
  models: readonly ModelView[];
  freeMemoryBytes: number;
  totalMemoryBytes: number;
}

export function AvailableTable({ models, freeMemoryBytes, totalMemoryBytes }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const textOf = useErrorText();
  const { show } = useNotices();
  const pulls = usePulls().data?.data ?? [];
  const pull = usePull();
  const isComing = (name: string) => pulls.some((each) => each.model === name && each.state === "running");
  const columns: Column<ModelView>[] = [
    {
      key: "name",
      label: t("admin.model"),
      isHeader: true,
      show: (row) => (
        <>
          {row.name}
          <Box component="span" sx={{ display: "block", color: "text.secondary", fontWeight: 400 }}>
            {row.good_for !== null && t(`admin.models.goodFor.${row.good_for}`)} · {row.parameters}
          </Box>
        </>
      ),
    },
    {
      key: "languages",
      label: t("admin.models.languages"),
      show: (row) => <ModelLanguages codes={row.languages} />,
    },
    {
      key: "fit",
      label: t("admin.models.here"),
      show: (row) => <ModelFit model={row} freeMemoryBytes={freeMemoryBytes} totalMemoryBytes={totalMemoryBytes} />,
    },
    { key: "licence", label: t("admin.models.licence"), show: (row) => row.licence ?? "–" },
    { key: "size", label: t("admin.models.download"), isNumber: true, show: (row) => format.bytes(row.num_bytes) },
    {
      key: "actions",
      label: t("admin.rowActions"),
      isUnlabelled: true,
      show: (row) => (
        <Button
          size="small"
          variant="outlined"
          disabled={isComing(row.name)}
          aria-label={t("admin.models.pullOf", { model: row.name })}
          onClick={() => pull(row.name).catch((error) => show({ text: textOf(error) }))}
        >
          {t("admin.models.pull")}
        </Button>
      ),
    },
  ];
  return (
    <DataTable
      label={t("admin.models.catalog")}
      columns={columns}
      rows={models}
      keyOf={(row) => row.name}
      empty={t("admin.models.allInstalled")}
    />
  );
}
