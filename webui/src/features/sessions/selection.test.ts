import { expect, test } from "vitest";
import type { SessionView } from "@/api/types.gen";
import { all, NOTHING, type Selection, toggled } from "./selection";

const ORDER = ["a", "b", "c", "d"].map((id) => ({ session_id: id }) as SessionView);
const [A, B, , D] = ORDER as [SessionView, SessionView, SessionView, SessionView];
const ids = ({ chosen }: Selection) => [...chosen.keys()].sort().join("");

test("a range reaches from the last one, in either direction, and can be taken back", () => {
  const one = toggled(NOTHING, D, ORDER, true);
  expect(ids(one)).toBe("d");
  const range = toggled(one, B, ORDER, true);
  expect(ids(range)).toBe("bcd");
  expect(ids(toggled(range, D, ORDER, true))).toBe("");
  expect(ids(toggled(range, A, ORDER, false))).toBe("abcd");
  expect(ids(all(ORDER))).toBe("abcd");
});
