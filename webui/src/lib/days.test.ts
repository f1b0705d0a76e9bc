import { expect, test } from "vitest";
import { dayAfter, dayOf, daysApart, readersZone } from "./days";
import { ageOf, Format } from "./format";

function at(text: string): number {
  return Date.parse(text);
}

test("at half past eight in Seoul it is not yesterday", () => {
  const now = at("2026-11-21T23:30:00Z");
  expect(["Asia/Seoul", "UTC", "America/New_York"].map((zone) => dayOf(now, zone))).toEqual([
    "2026-11-22",
    "2026-11-21",
    "2026-11-21",
  ]);
  const local = new Date(now);
  expect(Number(dayOf(now).slice(-2))).toBe(local.getDate());
});

test("a browser that names no zone knows its distance from UTC", () => {
  expect(readersZone("Asia/Calcutta")).toBe("Asia/Calcutta");
  const distances = [540, 345, -210, 0].map((minutes) => readersZone("Etc/Unknown", minutes));
  expect(distances).toEqual(["+09:00", "+05:45", "-03:30", "+00:00"]);
  expect(readersZone("", 540)).toBe("+09:00");
});

test("days are counted on the calendar, over the ends of months and of summer time", () => {
  expect([dayAfter("2026-03-01", -1), dayAfter("2026-12-31", 1)]).toEqual(["2026-02-28", "2027-01-01"]);
  const longDay = ["2026-10-24T22:00:00Z", "2026-10-25T22:59:00Z"].map((text) => dayOf(at(text), "Europe/Berlin"));
  expect(longDay).toEqual(["2026-10-25", "2026-10-25"]); // 25 hours
  expect(daysApart("2026-03-28", "2026-03-30")).toBe(2);
});

test("yesterday is the day before, whatever the hour", () => {
  const [en, now] = [new Format("en", "Asia/Seoul"), at("2026-11-22T23:40:00+09:00")];
  expect(en.ago(at("2026-11-22T00:30:00+09:00"), now)).toBe("23 hours ago");
  expect(en.ago(at("2026-11-21T23:00:00+09:00"), now)).toBe("yesterday");
  expect(en.ago(at("2026-11-20T23:00:00+09:00"), at("2026-11-22T09:00:00+09:00"))).toBe("2 days ago");
});

test("a chat of the first hour of a day of 25 hours is yesterday's a day later", () => {
  const now = at("2026-10-26T00:30:00+01:00");
  expect(ageOf(at("2026-10-25T00:10:00+02:00"), now, "Europe/Berlin")).toBe("yesterday");
  expect(ageOf(at("2026-10-24T23:50:00+02:00"), now, "Europe/Berlin")).toBe("week");
});
