import { expect, test } from "vitest";
import { ageOf, Format } from "./format";

const en = new Format("en", "UTC");
const ko = new Format("ko", "UTC");
const NOON = Date.UTC(2026, 10, 25, 12);

test("numbers, shares and bytes", () => {
  expect(en.number(4870.25)).toBe("4,870.3");
  expect(en.percent(0.954)).toBe("95.4%");
  expect([0, 999, 1500, 4_210_000, 7.5e9].map((n) => en.bytes(n))).toEqual([
    "0 bytes",
    "999 bytes",
    "1.5 kB",
    "4.2 MB",
    "7.5 GB",
  ]);
  expect([en.bytes(1), ko.bytes(999)]).toEqual(["1 byte", "999바이트"]);
});

test("short numbers, and days that are UTC's", () => {
  expect([1272, 9999, 12_345, 7].map((n) => ko.compact(n))).toEqual(["1,272", "9,999", "1.2만", "7"]);
  expect(en.compact(48_204)).toBe("48.2K");
  expect([en.day(NOON), ko.day(NOON)]).toEqual(["Nov 25", "11월 25일"]);
});

test("durations in the two largest units", () => {
  const shown = [1234, 59_700, 185_000, 7_800_000, 90_000_000].map((ms) => ko.duration(ms));
  expect(shown).toEqual(["1.2초", "1분", "3분 5초", "2시간 10분", "1일 1시간"]);
  expect(en.duration(400)).toBe("0.4 sec");
});

test("moments in the reader's language", () => {
  expect(ko.moment(NOON)).toBe("2026. 11. 25. 오후 12:00");
  expect(ko.ago(NOON - 86_400_000, NOON)).toBe("어제");
  expect(en.ago(NOON - 180_000, NOON)).toBe("3 minutes ago");
  expect(en.ago(NOON - 10_000, NOON)).toBe("now");
});

test("chats fall under days as the reader counts them", () => {
  const now = new Date(2026, 10, 25, 0, 30).getTime();
  const hour = 3_600_000;
  const ages = [0, 1, 26, 24 * 6, 24 * 20, 24 * 40].map((hours) => ageOf(now - hours * hour, now));
  expect(ages).toEqual(["today", "yesterday", "week", "week", "month", "older"]);
});
