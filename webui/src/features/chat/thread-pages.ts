/** The pages of a thread when its end was read again: what is above it and still joins it is kept. Pure. */
import type { InfiniteData } from "@tanstack/react-query";
import type { MessagePage } from "@/api/types.gen";

export type ThreadPages = InfiniteData<MessagePage, string>;

/**
 * `newest`: the last page of the path that is shown now. Reading every page anew for each message would cost a long
 * chat dozens of requests; another branch shares no more than its beginning, and is joined where it leaves.
 */
export function withNewest(before: ThreadPages | undefined, newest: MessagePage): ThreadPages {
  const alone = { pages: [newest], pageParams: [""] };
  const first = newest.data[0];
  if (!before || !first || newest.next_cursor === null) return alone;
  const known = before.pages.toReversed().flatMap((page) => page.data);
  const joint = known.findIndex((message) => message.message_id === first.parent_id);
  if (joint < 0) return alone;
  const earlier = { data: known.slice(0, joint + 1), next_cursor: before.pages.at(-1)?.next_cursor ?? null };
  return { pages: [newest, earlier], pageParams: ["", first.message_id] };
}
