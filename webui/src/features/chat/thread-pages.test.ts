import { expect, test } from "vitest";
import type { MessagePage, PathMessageView } from "@/api/types.gen";
import { type ThreadPages, withNewest } from "./thread-pages";

/** Messages `from` to `to` of a path where each is the parent of the next. */
function page(from: number, to: number, next: string | null): MessagePage {
  const numbers = Array.from({ length: to - from + 1 }, (_, n) => from + n);
  const items = numbers.map((n) => ({ message_id: `m${n}`, parent_id: n > 0 ? `m${n - 1}` : null }) as PathMessageView);
  return { data: items, next_cursor: next };
}

function shown({ pages }: ThreadPages): string {
  return pages
    .toReversed()
    .flatMap((each) => each.data.map((message) => message.message_id))
    .join(" ");
}

const BEFORE: ThreadPages = { pages: [page(6, 9, "m6"), page(3, 5, "m3")], pageParams: ["", "m6"] };

test("what is above the new end stays, and its cursor with it", () => {
  const after = withNewest(BEFORE, page(8, 11, "m8"));
  expect(shown(after)).toBe("m3 m4 m5 m6 m7 m8 m9 m10 m11");
  expect(after.pages.at(-1)?.next_cursor).toBe("m3");
  expect(after.pageParams).toEqual(["", "m8"]);
});

test("an end that joins nothing known stands alone; a whole thread does too", () => {
  expect(shown(withNewest(BEFORE, page(20, 23, "m20")))).toBe("m20 m21 m22 m23");
  expect(shown(withNewest(BEFORE, page(0, 2, null)))).toBe("m0 m1 m2");
  expect(shown(withNewest(undefined, page(6, 9, "m6")))).toBe("m6 m7 m8 m9");
});
