/** A list; of a growing one only the items that changed are rendered again. */
import type { Tokens } from "marked";
import { ListItemView } from "./list-item-view";

/** The greatest number that has room before an item. */
const MAX_NARROW = 100;

interface Props {
  token: Tokens.List;
}

export function ListView({ token }: Props) {
  // biome-ignore lint/suspicious/noArrayIndexKey: items have no identity but their place
  const items = token.items.map((item, index) => <ListItemView key={index} item={item} />);
  const start = Number(token.start);
  const isWide = token.ordered && start + token.items.length > MAX_NARROW;
  if (!token.ordered)
    return <ul className={token.items.some((item) => item.task) ? "md-tasks" : undefined}>{items}</ul>;
  return (
    <ol start={token.start === "" ? 1 : start} className={isWide ? "md-wide-numbers" : undefined}>
      {items}
    </ol>
  );
}
