/** An estimate with no more digits than it deserves: 3.4, 12, 120. Pure. */
export function roughly(value: number): number {
  return value < 10 ? Math.round(value * 10) / 10 : Number(value.toPrecision(2));
}
