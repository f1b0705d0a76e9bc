/** Lines over time, evenly spaced; where nothing is known there is a gap. */
import { ChartFigure } from "./chart-figure";
import { colour } from "./colours";
import { linePath, ticks as ticksFor } from "./scale";

interface Props {
  title: string;
  summary: string;
  /** What a point stands for. */
  heading: string;
  series: readonly string[];
  points: readonly { label: string; values: readonly (number | null)[] }[];
  format: (value: number) => string;
}

export function LineChart({ title, summary, heading, series, points, format }: Props) {
  const known = points.flatMap((point) => point.values).filter((value) => value !== null);
  const ticks = ticksFor(Math.max(0, ...known));
  const most = ticks.at(-1) ?? 1;
  const edges = points.filter((_, index) => index === 0 || index === points.length - 1).map((point) => point.label);
  return (
    <ChartFigure
      title={title}
      summary={summary}
      series={series}
      ticks={ticks}
      format={format}
      labels={edges}
      isLine
      table={{ heading, rows: points }}
    >
      <svg
        aria-hidden="true"
        viewBox="0 0 100 100"
        preserveAspectRatio="none"
        style={{ position: "absolute", inset: 0, width: "100%", height: "100%", overflow: "visible" }}
      >
        {series.map((name, index) => (
          <path
            key={name}
            d={linePath(
              points.map((point) => point.values[index] ?? null),
              most,
            )}
            fill="none"
            stroke={colour(index)}
            strokeWidth={2}
            strokeDasharray={index === 0 ? undefined : "5 3"}
            strokeLinejoin="round"
            strokeLinecap="round"
            vectorEffect="non-scaling-stroke"
          />
        ))}
      </svg>
    </ChartFigure>
  );
}
