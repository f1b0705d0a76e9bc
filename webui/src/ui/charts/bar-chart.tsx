/** Bars side by side, each a stack of what it consists of. */
import { ChartFigure } from "./chart-figure";
import { colour } from "./colours";
import { ticks as roundTicks, shareOf } from "./scale";

export interface Bar {
  key: string;
  /** In full, for the table and the pointer. */
  label: string;
  /** Below the bar. */
  shortLabel: string;
  /** In the order of `series`. */
  values: readonly number[];
}

interface Props {
  title: string;
  summary: string;
  /** What a bar stands for. */
  heading: string;
  series: readonly string[];
  bars: readonly Bar[];
  format: (value: number) => string;
  /** Round numbers up to the largest. */
  ticksFor?: (most: number) => number[];
}

/** Of a bar's place, how much it fills. */
const WIDTH = 0.72;

export function BarChart({ title, summary, heading, series, bars, format, ticksFor = roundTicks }: Props) {
  const ticks = ticksFor(Math.max(0, ...bars.map((bar) => sum(bar.values))));
  const most = ticks.at(-1) ?? 1;
  return (
    <ChartFigure
      title={title}
      summary={summary}
      series={series}
      ticks={ticks}
      format={format}
      labels={bars.map((bar) => bar.shortLabel)}
      table={{ heading, rows: bars }}
    >
      <svg
        aria-hidden="true"
        viewBox={`0 0 ${Math.max(bars.length, 1)} 1`}
        preserveAspectRatio="none"
        style={{ position: "absolute", inset: 0, width: "100%", height: "100%" }}
      >
        {bars.map((bar, place) => (
          <Stack key={bar.key} bar={bar} place={place} most={most} tip={tipOf(bar, series, format)} />
        ))}
      </svg>
    </ChartFigure>
  );
}

function Stack({ bar, place, most, tip }: { bar: Bar; place: number; most: number; tip: string }) {
  const parts = bar.values.map((value, index) => ({
    index,
    height: shareOf(value, most),
    below: below(bar, index, most),
  }));
  return (
    <g>
      <title>{tip}</title>
      <rect x={place} y={0} width={1} height={1} fill="transparent" />
      {parts
        .filter(({ height }) => height > 0)
        .map(({ index, height, below: start }) => (
          <rect
            key={index}
            x={place + (1 - WIDTH) / 2}
            y={1 - start - height}
            width={WIDTH}
            height={height}
            fill={colour(index)}
          />
        ))}
    </g>
  );
}

function below(bar: Bar, index: number, most: number): number {
  return shareOf(sum(bar.values.slice(0, index)), most);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function tipOf(bar: Bar, series: readonly string[], format: (value: number) => string): string {
  const lines = series
    .map((name, index) => ({ name, value: bar.values[index] ?? 0 }))
    .filter(({ value }) => value > 0)
    .map(({ name, value }) => `${name}: ${format(value)}`);
  return [bar.label, ...(lines.length > 0 ? lines : [format(0)])].join("\n");
}
