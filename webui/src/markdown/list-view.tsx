/** A list; of a growing one only the items that changed are rendered again. */
import type { Tokens } from "marked";
import { ListItemView } from "./list-item-view";

interface Props {
  token: Tokens.List;
}

export function ListView({ token }: Props) {
  // biome-ignore lint/suspicious/noArrayIndexKey: items have no identity but their place
  const items = token.items.map((item, index) => <ListItemView key={index} item={item} />);
  if (!token.ordered)
    return <ul className={token.items.some((item) => item.task) ? "md-tasks" : undefined}>{items}</ul>;
  return <ol start={token.start === "" ? 1 : token.start}>{items}</ol>;
}
