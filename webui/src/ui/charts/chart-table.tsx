/** A chart's numbers, for who reads rather than looks. */
import Box from "@mui/material/Box";
import { useState } from "react";
import { useTranslation } from "react-i18next";

export interface TableContent {
  /** Of the first column. */
  heading: string;
  rows: readonly { label: string; values: readonly (number | null)[] }[];
}

interface Props {
  title: string;
  series: readonly string[];
  format: (value: number) => string;
  table: TableContent;
}

export function ChartTable({ title, series, format, table }: Props) {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  return (
    <Box
      component="details"
      onToggle={(event) => setOpen(event.currentTarget.open)}
      sx={{ fontSize: "0.85rem", mt: 0.5 }}
    >
      <Box component="summary" sx={{ color: "text.secondary", cursor: "pointer", width: "fit-content" }}>
        {t("chart.asTable")}
      </Box>
      {isOpen && (
        <Box role="region" aria-label={title} tabIndex={0} sx={{ maxHeight: 260, overflow: "auto", mt: 1 }}>
          <Box component="table" sx={TABLE}>
            <thead>
              <tr>
                <th scope="col">{table.heading}</th>
                {series.map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((row) => (
                <tr key={row.label}>
                  <th scope="row">{row.label}</th>
                  {series.map((name, index) => (
                    <td key={name}>{shown(row.values[index], format)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </Box>
        </Box>
      )}
    </Box>
  );
}

function shown(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? "–" : format(value);
}

const TABLE = {
  borderCollapse: "collapse",
  "& th, & td": { px: 1, py: 0.25, textAlign: "end", fontVariantNumeric: "tabular-nums" },
  "& th": { fontWeight: 550 },
  "& th:first-of-type": { textAlign: "start", whiteSpace: "nowrap" },
} as const;
