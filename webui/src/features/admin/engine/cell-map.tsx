/** The cells of an engine as a map of blocks, and the same as a table. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import type { EngineView } from "@/api/types.gen";
import { colour, FREE, NUM_COLOURS, QUIET } from "@/ui/charts/colours";
import { Swatch } from "@/ui/charts/swatch";
import { useFormat } from "@/ui/use-format";
import { type Column, DataTable } from "../parts/data-table";
import { ownerName } from "../parts/owner-name";
import { blocksFor, type Segment, segmentsOf } from "./cell-layout";

const NUM_COLUMNS = 48;
const NUM_ROWS = 5;
/** Of a block's place, how much it fills. */
const SIZE = 0.84;

interface Props {
  engine: EngineView;
}

export function CellMap({ engine }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const segments = segmentsOf(engine);
  const total = engine.num_cells_total;
  const shown = segments.map((segment, index) => ({ ...segment, colour: colourOf(segment, index) }));
  const blocks = blocksFor(
    segments.map((segment) => segment.numCells),
    NUM_COLUMNS * NUM_ROWS,
  );
  const nameOf = (segment: Segment) => {
    if (segment.kind !== "own") return t(`admin.cells.${segment.kind}`);
    return ownerName(t, segment.userId, segment.username);
  };
  const columns: Column<(typeof shown)[number]>[] = [
    {
      key: "owner",
      label: t("admin.cells.owner"),
      isHeader: true,
      show: (row) => (
        <Box component="span" sx={{ display: "inline-flex", alignItems: "center", gap: 1 }}>
          <Swatch colour={row.colour} />
          {nameOf(row)}
        </Box>
      ),
    },
    {
      key: "sequences",
      label: t("admin.cells.sequences"),
      isNumber: true,
      show: (row) => (row.numSequences > 0 ? format.number(row.numSequences) : "–"),
    },
    { key: "cells", label: t("admin.cells.cells"), isNumber: true, show: (row) => format.number(row.numCells) },
    {
      key: "share",
      label: t("admin.cells.share"),
      isNumber: true,
      show: (row) => format.percent(row.numCells / total),
    },
  ];
  if (segments.length === 0) return <Box sx={{ color: "text.secondary" }}>{t("admin.cells.none")}</Box>;
  return (
    <>
      <svg
        role="img"
        aria-label={t("admin.cells.map", {
          used: format.number(total - (segments.find((segment) => segment.kind === "free")?.numCells ?? 0)),
          total: format.number(total),
        })}
        viewBox={`0 0 ${NUM_COLUMNS} ${NUM_ROWS}`}
        style={{ display: "block", width: "100%", height: "auto", marginBlockEnd: 8 }}
      >
        {placed(blocks).map(({ place, segment: index }) => {
          const segment = shown[index];
          if (!segment) return null;
          return (
            <rect
              key={place}
              x={(place % NUM_COLUMNS) + (1 - SIZE) / 2}
              y={Math.floor(place / NUM_COLUMNS) + (1 - SIZE) / 2}
              width={SIZE}
              height={SIZE}
              rx={0.16}
              fill={segment.colour}
              fillOpacity={segment.kind === "kept" ? 0.55 : 1}
            >
              <title>{`${nameOf(segment)}: ${format.number(segment.numCells)}`}</title>
            </rect>
          );
        })}
      </svg>
      <DataTable
        label={t("admin.cells.table", { model: engine.model })}
        columns={columns}
        rows={shown}
        keyOf={(row) => row.key}
        empty={t("admin.cells.none")}
      />
    </>
  );
}

/** Each block's place on the map and the segment that it is of. */
function placed(blocks: readonly number[]): { place: number; segment: number }[] {
  const segments = blocks.flatMap((num, segment) => Array.from({ length: num }, () => segment));
  return segments.map((segment, place) => ({ place, segment }));
}

/** People first; the last colour is for what several share. */
function colourOf(segment: Segment, index: number): string {
  if (segment.kind === "free") return FREE;
  if (segment.kind === "kept") return QUIET;
  if (segment.kind === "shared") return colour(NUM_COLOURS - 1);
  return colour(index % (NUM_COLOURS - 1));
}
