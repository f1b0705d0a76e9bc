/** Days as the reader's clock counts them: "2026-11-25". A day has 23 to 25 hours, so none is found by adding hours. */

export const DAY_MS = 86_400_000;

const HERE = isoDays();

/** Swedes write 2026-11-25. `timeZone`: the reader's if absent. */
export function isoDays(timeZone?: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("sv", { dateStyle: "short", ...(timeZone === undefined ? {} : { timeZone }) });
}

/** The day of a moment, here or in a zone. */
export function dayOf(at: number, timeZone?: string): string {
  return (timeZone === undefined ? HERE : isoDays(timeZone)).format(at);
}

/** A day's noon in UTC, for counting and for showing days, whatever zone they are of. */
export function noonOf(day: string): number {
  return Date.parse(`${day}T12:00:00Z`);
}

/** The day that is so many later; earlier if negative. */
export function dayAfter(day: string, numDays: number): string {
  return new Date(noonOf(day) + numDays * DAY_MS).toISOString().slice(0, 10);
}

/** From `first` to `last`: 0 is the same day. */
export function daysApart(first: string, last: string): number {
  return Math.round((noonOf(last) - noonOf(first)) / DAY_MS);
}

/** By its name, else by its distance from UTC: "Asia/Seoul", "+09:00". */
export function readersZone(
  named: string = HERE.resolvedOptions().timeZone,
  minutesLater = -new Date().getTimezoneOffset(),
): string {
  if (named && named !== "Etc/Unknown") return named; // what browsers say of a system that does not know
  const size = Math.abs(minutesLater);
  const [hours, minutes] = [Math.floor(size / 60), size % 60].map((part) => String(part).padStart(2, "0"));
  return `${minutesLater < 0 ? "-" : "+"}${hours}:${minutes}`;
}
