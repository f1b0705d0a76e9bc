/** A list; of a growing one only the items that changed are rendered again. */
import type { Tokens } from "marked";
import { ListItemView } from "./list-item-view";

/** Greater numbers need more room before their items. */
const MAX_NARROW = 99;
const NUMBER = /^\s*(\d{1,9})[.)]/;

interface Props {
  token: Tokens.List;
}

export function ListView({ token }: Props) {
  const numbers = token.ordered ? numbersOf(token.items) : null;
  const items = token.items.map((item, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: items have no identity but their place
    <ListItemView key={index} item={item} number={numbers?.[index]} />
  ));
  if (!token.ordered)
    return <ul className={token.items.some((item) => item.task) ? "md-tasks" : undefined}>{items}</ul>;
  const isWide = numbers?.some((number) => number > MAX_NARROW);
  return <ol className={isWide ? "md-wide-numbers" : undefined}>{items}</ol>;
}

/** As they are written: what is the third of a list is not always 3. Where all are the same they only count. */
function numbersOf(items: readonly Tokens.ListItem[]): number[] {
  const numbers = items.map((item) => Number(NUMBER.exec(item.raw)?.[1] ?? 1));
  const first = numbers[0] ?? 1;
  return numbers.every((number) => number === first) ? numbers.map((_, index) => first + index) : numbers;
}
