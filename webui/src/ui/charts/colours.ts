/** The colours of what is told apart in a chart: the palette's, so that light and dark have the same chart. */

const COLOURS = [
  "var(--mui-palette-primary-main)",
  "var(--mui-palette-info-main)",
  "var(--mui-palette-warning-main)",
  "var(--mui-palette-code-keyword)",
  "var(--mui-palette-error-main)",
] as const;

/** Of what has no colour of its own: the rest, what is free. */
export const QUIET = "var(--mui-palette-text-secondary)";
export const FREE = "var(--mui-palette-divider)";

export const NUM_COLOURS = COLOURS.length;

export function colour(index: number): string {
  return COLOURS[index] ?? QUIET;
}
