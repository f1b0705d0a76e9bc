/** Numbers, bytes, times and dates as the reader's language writes them. Pure. */

import { dayOf, daysApart, isoDays } from "./days";

const MAX_WHOLE = 10_000; // "9,999" is as short as "10K" is exact
const BYTE_UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

export class Format {
  readonly #language: string;
  readonly #number: Intl.NumberFormat;
  readonly #compact: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;
  readonly #time: Intl.DateTimeFormat;
  readonly #clock: Intl.DateTimeFormat;
  readonly #date: Intl.DateTimeFormat;
  readonly #moment: Intl.DateTimeFormat;
  readonly #day: Intl.DateTimeFormat;
  readonly #isoDay: Intl.DateTimeFormat;
  readonly #relative: Intl.RelativeTimeFormat;

  /** `timeZone`: the browser's own if absent. */
  constructor(language: string, timeZone?: string) {
    const zone = timeZone === undefined ? {} : { timeZone };
    this.#language = language;
    this.#number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
    this.#compact = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
    this.#percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
    this.#time = new Intl.DateTimeFormat(language, { timeStyle: "short", ...zone });
    this.#clock = new Intl.DateTimeFormat(language, { timeStyle: "medium", ...zone });
    this.#date = new Intl.DateTimeFormat(language, { dateStyle: "medium", ...zone });
    this.#moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", ...zone });
    this.#day = new Intl.DateTimeFormat(language, { month: "short", day: "numeric", timeZone: "UTC" });
    this.#isoDay = isoDays(timeZone);
    this.#relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  }

  number(value: number): string {
    return this.#number.format(value);
  }

  /** "12.3K", "1.2만": where there is little room; what is as short when it is whole stays whole. */
  compact(value: number): string {
    return (Math.abs(value) < MAX_WHOLE ? this.#number : this.#compact).format(value);
  }

  /** `share`: 0 to 1. */
  percent(share: number): string {
    return this.#percent.format(share);
  }

  /** "4.2 MB"; a kB is 1,000 bytes. */
  bytes(num: number): string {
    const power = num < 1 ? 0 : Math.min(Math.floor(Math.log10(num) / 3), BYTE_UNITS.length - 1);
    return this.#unit(num / 1000 ** power, BYTE_UNITS[power] ?? "byte", power === 0 ? 0 : 1);
  }

  /** "0.4 s", "12 s", "3 min 5 s", "2 h 10 min": the two largest units. */
  duration(ms: number): string {
    const seconds = Math.max(ms, 0) / 1000;
    if (seconds < 10) return this.#unit(seconds, "second", 1);
    const whole = Math.round(seconds);
    if (whole < 60) return this.#unit(whole, "second");
    if (whole < 3600) return this.#two(Math.floor(whole / 60), "minute", whole % 60, "second");
    const minutes = Math.round(whole / 60);
    if (minutes < 1440) return this.#two(Math.floor(minutes / 60), "hour", minutes % 60, "minute");
    const hours = Math.round(minutes / 60);
    return this.#two(Math.floor(hours / 24), "day", hours % 24, "hour");
  }

  /** `at`: milliseconds since 1970, as everywhere below. */
  time(at: number): string {
    return this.#time.format(at);
  }

  /** To the second. */
  clock(at: number): string {
    return this.#clock.format(at);
  }

  date(at: number): string {
    return this.#date.format(at);
  }

  moment(at: number): string {
    return this.#moment.format(at);
  }

  /** A day, by its noon in UTC: "Nov 25". */
  day(at: number): string {
    return this.#day.format(at);
  }

  /** "yesterday", "in 5 minutes", "3 hours ago". */
  ago(at: number, now: number): string {
    const seconds = (at - now) / 1000;
    const size = Math.abs(seconds);
    if (size < 45) return this.#relative.format(0, "second");
    if (size < 2700) return this.#relative.format(Math.round(seconds / 60), "minute");
    if (size < 79_200) return this.#relative.format(Math.round(seconds / 3600), "hour");
    const numDays = daysApart(this.#isoDay.format(now), this.#isoDay.format(at));
    if (numDays === 0) return this.#relative.format(Math.round(seconds / 3600), "hour");
    if (Math.abs(numDays) < 25) return this.#relative.format(numDays, "day");
    return this.#date.format(at);
  }

  #two(large: number, largeUnit: string, small: number, smallUnit: string): string {
    const first = this.#unit(large, largeUnit);
    return small === 0 ? first : `${first} ${this.#unit(small, smallUnit)}`;
  }

  #unit(value: number, unit: string, digits = 0): string {
    const unitDisplay = unit === "byte" ? "long" : "short"; // "0 byte" is no English
    const options = { style: "unit", unit, unitDisplay, maximumFractionDigits: digits } as const;
    return new Intl.NumberFormat(this.#language, options).format(value);
  }
}

export type Age = "today" | "yesterday" | "week" | "month" | "older";

/** Which heading of the list of chats `at` belongs under, by the reader's own days. */
export function ageOf(at: number, now: number, timeZone?: string): Age {
  const numDays = daysApart(dayOf(at, timeZone), dayOf(now, timeZone));
  if (numDays <= 0) return "today";
  if (numDays === 1) return "yesterday";
  return numDays <= 7 ? "week" : numDays <= 30 ? "month" : "older";
}
