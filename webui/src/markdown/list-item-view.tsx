/** One item of a list, ticked or not if it is a task. */
import type { Tokens } from "marked";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { languageOf } from "@/lib/language";
import { nestedNodes } from "./block-node";

interface Props {
  item: Tokens.ListItem;
  /** Of an ordered list. */
  number: number | undefined;
}

export const ListItemView = memo(
  function ListItemView({ item, number }: Props) {
    return (
      <li value={number} dir="auto" lang={languageOf(item.text)}>
        {item.task && <TaskBox isDone={item.checked ?? false} />}
        {nestedNodes(item.tokens)}
      </li>
    );
  },
  (before, after) =>
    before.item.raw === after.item.raw && before.item.loose === after.item.loose && before.number === after.number,
);

function TaskBox({ isDone }: { isDone: boolean }) {
  const { t } = useTranslation();
  const label = isDone ? t("markdown.taskDone") : t("markdown.taskOpen");
  return <input type="checkbox" checked={isDone} disabled aria-label={label} />;
}
