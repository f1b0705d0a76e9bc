/**
 * A table of rows; on a phone each row is a card, with every value beside its column's name.
 *
 * The roles are written out because a table that is laid out as blocks loses its own in some browsers.
 */
import Box from "@mui/material/Box";
import type { ReactNode } from "react";

export interface Column<Row> {
  key: string;
  label: string;
  show: (row: Row) => ReactNode;
  isNumber?: boolean;
  /** It names the row. */
  isHeader?: boolean;
  /** Buttons: their names say enough. */
  isUnlabelled?: boolean;
}

interface Props<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  /** Shown instead when there are no rows. */
  empty: string;
}

export function DataTable<Row>({ label, columns, rows, keyOf, empty }: Props<Row>) {
  if (rows.length === 0) {
    return <Box sx={{ py: 2, color: "text.secondary" }}>{empty}</Box>;
  }
  return (
    <Box sx={{ containerType: "inline-size" }}>
      <Box component="table" role="table" aria-label={label} sx={tableLook(columns.length * COLUMN_PX)}>
        <Box component="thead" role="rowgroup">
          <Box component="tr" role="row">
            {columns.map((column) => (
              <Box component="th" role="columnheader" scope="col" key={column.key} className={cellClass(column)}>
                {column.isUnlabelled ? <span className="visually-hidden">{column.label}</span> : column.label}
              </Box>
            ))}
          </Box>
        </Box>
        <Box component="tbody" role="rowgroup">
          {rows.map((row) => (
            <Box component="tr" role="row" key={keyOf(row)}>
              {columns.map((column) => (
                <Cell key={column.key} column={column} row={row} />
              ))}
            </Box>
          ))}
        </Box>
      </Box>
    </Box>
  );
}

function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  const head = { component: "th", role: "rowheader", scope: "row" } as const;
  const plain = { component: "td", role: "cell" } as const;
  return (
    <Box {...(column.isHeader ? head : plain)} className={cellClass(column)}>
      {!column.isHeader && !column.isUnlabelled && (
        <Box component="span" className="cell-label">
          {column.label}
        </Box>
      )}
      <div className="cell-value">{column.show(row)}</div>
    </Box>
  );
}

function cellClass({ isNumber, isUnlabelled }: { isNumber?: boolean; isUnlabelled?: boolean }): string {
  return isNumber ? "number" : isUnlabelled ? "actions" : "";
}

/** What a column needs on the average; where they have less, rows become cards. */
const COLUMN_PX = 88;

const TABLE = {
  width: "100%",
  borderCollapse: "collapse",
  fontSize: "0.9rem",
  // Whole words and numbers where they fit; ids and names may break anywhere.
  overflowWrap: "break-word",
  "& code, & tbody th": { overflowWrap: "anywhere" },
  "& code": { fontFamily: "var(--bd-mono)", fontSize: "0.82rem" },
  "& th, & td": { px: 1, py: 0.9, textAlign: "start", fontWeight: 400, verticalAlign: "middle" },
  "& thead th": { color: "text.secondary", fontSize: "0.8rem", borderBottom: 1, borderColor: "divider" },
  "& tbody th": { fontWeight: 600, minWidth: 130 },
  "& tbody tr": { borderBottom: 1, borderColor: "divider" },
  "& .number": { textAlign: "end", fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" },
  "& .actions": { textAlign: "end", whiteSpace: "nowrap" },
  "& .cell-label": { display: "none" },
} as const;

const CARDS = {
  "&, & tbody, & tbody tr, & tbody th, & tbody td": { display: "block" },
  "& thead": { display: "none" },
  "& tbody tr": { py: 1 },
  "& tbody th, & tbody td": { px: 0, py: 0.4 },
  "& tbody td:not(.actions)": { display: "flex", justifyContent: "space-between", gap: 2 },
  "& tbody td .cell-value": { textAlign: "end", minWidth: 0 },
  "& .number": { whiteSpace: "normal" },
  "& .cell-label": { display: "inline", color: "text.secondary", flexShrink: 0 },
} as const;

function tableLook(widestOfCards: number) {
  return { ...TABLE, [`@container (max-width: ${widestOfCards}px)`]: CARDS };
}
