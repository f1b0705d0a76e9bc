/** What was refused or failed within the last hour, by kind. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import { useFormat } from "@/ui/use-format";
import { type Column, DataTable } from "../parts/data-table";

interface Props {
  numByCode: Record<string, number>;
}

export function ErrorTable({ numByCode }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const rows = Object.entries(numByCode);
  const columns: Column<[string, number]>[] = [
    {
      key: "code",
      label: t("admin.overview.code"),
      isHeader: true,
      show: ([code]) => <code>{code}</code>,
    },
    { key: "num", label: t("admin.overview.times"), isNumber: true, show: ([, num]) => format.number(num) },
  ];
  return (
    <Box sx={{ maxWidth: 480 }}>
      <DataTable
        label={t("admin.overview.errors")}
        columns={columns}
        rows={rows}
        keyOf={([code]) => code}
        empty={t("admin.overview.noErrors")}
      />
    </Box>
  );
}
