/** What every chart has: a heading, a legend, axes around the drawing, and the same numbers as a table. */
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { type ReactNode, useId } from "react";
import { ChartTable, type TableContent } from "./chart-table";
import { colour } from "./colours";
import { Legend } from "./legend";
import { shownLabels } from "./scale";

const MOST_LABELS = 7;

interface Props {
  title: string;
  /** One sentence for who does not see the drawing. */
  summary: string;
  series: readonly string[];
  ticks: readonly number[];
  format: (value: number) => string;
  /** Below the drawing, one per place along it. */
  labels: readonly string[];
  /** Labels of bars stand below their bar, those of a line below its points. */
  isLine?: boolean;
  table: TableContent;
  children: ReactNode;
}

export function ChartFigure({ title, summary, series, ticks, format, labels, isLine = false, table, children }: Props) {
  const titleId = useId();
  return (
    <Box component="figure" aria-labelledby={titleId} sx={{ m: 0, minWidth: 0 }}>
      <Typography id={titleId} component="figcaption" variant="h3" sx={{ mb: 1 }}>
        {title}
      </Typography>
      {series.length > 1 && (
        <Box sx={{ mb: 1.5 }}>
          <Legend items={series.map((name, index) => ({ key: name, name, colour: colour(index) }))} />
        </Box>
      )}
      <Box aria-hidden sx={{ display: "flex", fontSize: "0.75rem", color: "text.secondary", pt: 1 }}>
        <Axis ticks={ticks} format={format} />
        <Box sx={{ flex: 1, minWidth: 0, containerType: "inline-size" }}>
          <Box sx={{ position: "relative", height: 160 }}>
            <Gridlines num={ticks.length} />
            {children}
          </Box>
          <Labels labels={labels} isLine={isLine} />
        </Box>
      </Box>
      <span className="visually-hidden">{summary}</span>
      <ChartTable title={title} series={series} format={format} table={table} />
    </Box>
  );
}

function Axis({ ticks, format }: Pick<Props, "ticks" | "format">) {
  return (
    <Box sx={{ display: "flex", flexDirection: "column-reverse", justifyContent: "space-between", height: 160, pr: 1 }}>
      {ticks.map((tick) => (
        <Box key={tick} sx={{ height: 0, lineHeight: 0, textAlign: "end", whiteSpace: "nowrap" }}>
          {format(tick)}
        </Box>
      ))}
    </Box>
  );
}

function Gridlines({ num }: { num: number }) {
  const lines = Array.from({ length: num }, (_, index) => index / Math.max(num - 1, 1));
  return lines.map((share) => (
    <Box
      key={share}
      sx={{ position: "absolute", insetInline: 0, borderTop: 1, borderColor: "divider" }}
      style={{ bottom: `${share * 100}%` }}
    />
  ));
}

function Labels({ labels, isLine }: { labels: readonly string[]; isLine: boolean }) {
  const num = labels.length;
  const at = (index: number) => (isLine ? index / Math.max(num - 1, 1) : (index + 0.5) / num);
  return (
    <Box
      sx={{
        position: "relative",
        height: 22,
        mt: 0.5,
        overflow: "hidden",
        whiteSpace: "nowrap",
        ...(isLine ? {} : THINNED),
      }}
    >
      {shownLabels(num, MOST_LABELS).map((index) => (
        <span
          key={index}
          // The first and the last stay inside, whatever their width.
          style={{ position: "absolute", left: `${at(index) * 100}%`, transform: `translateX(-${at(index) * 100}%)` }}
        >
          {labels[index]}
        </span>
      ))}
    </Box>
  );
}

/** On a phone every second one, the last one always. */
const THINNED = { "@container (max-width: 480px)": { "& span:nth-last-of-type(2n)": { display: "none" } } } as const;
