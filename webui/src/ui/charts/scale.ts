/** Where things stand on an axis that begins at nought. Pure. */

const STEPS = [1, 2, 2.5, 5, 10] as const;

/** Round numbers from 0 to the first that is not below `most`: [0, 20, 40, 60] for 47. About `wanted` steps. */
export function ticks(most: number, wanted = 4): number[] {
  if (!(most > 0) || !Number.isFinite(most)) return [0, 1];
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = (STEPS.find((each) => each * power >= rough * (1 - 1e-9)) ?? 10) * power;
  const num = Math.max(1, Math.ceil((most / step) * (1 - 1e-9)));
  return Array.from({ length: num + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

const SECOND = 1000;
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200];
const DAY_S = 86_400;

/** The same of milliseconds: whole seconds, minutes, hours, days, as clocks have them. */
export function timeTicks(mostMs: number, wanted = 4): number[] {
  const rough = mostMs / wanted / SECOND;
  const step = TIME_STEPS.find((each) => each >= rough * (1 - 1e-9));
  if (!(mostMs > 0) || step === undefined)
    return ticks(mostMs / DAY_S / SECOND, wanted).map((tick) => tick * DAY_S * SECOND);
  const num = Math.ceil((mostMs / (step * SECOND)) * (1 - 1e-9));
  return Array.from({ length: num + 1 }, (_, index) => index * step * SECOND);
}

/** `value` of `most` as a share, 0 to 1. */
export function shareOf(value: number, most: number): number {
  return most > 0 ? Math.min(Math.max(value / most, 0), 1) : 0;
}

/** An SVG path through the points, in a field of 100 by 100 with its nought below; what is null is a gap. */
export function linePath(values: readonly (number | null)[], most: number): string {
  const last = Math.max(values.length - 1, 1);
  let isDown = false;
  const parts = values.map((value, index) => {
    if (value === null) {
      isDown = false;
      return "";
    }
    const point = `${round((index / last) * 100)} ${round(100 - shareOf(value, most) * 100)}`;
    const part = isDown ? `L${point}` : `M${point}h0`; // h0: a point that stands alone is a dot
    isDown = true;
    return part;
  });
  return parts.filter(Boolean).join("");
}

/** Which of `num` labels have room: at most `most`, evenly, the last one always. */
export function shownLabels(num: number, most: number): number[] {
  const every = Math.max(1, Math.ceil(num / Math.max(most, 1)));
  return Array.from({ length: num }, (_, index) => index).filter((index) => (num - 1 - index) % every === 0);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
