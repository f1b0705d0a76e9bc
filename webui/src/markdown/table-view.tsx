/** A table; one that is too wide scrolls by itself, by keyboard too. */
import type { Tokens } from "marked";
import { useTranslation } from "react-i18next";
import { inlineNodes } from "./inline-nodes";

interface Props {
  token: Tokens.Table;
}

export function TableView({ token }: Props) {
  const { t } = useTranslation();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="md-table" tabIndex={0} aria-label={t("markdown.table")}>
      <table>
        <thead>
          <tr>{cells(token.header, "th")}</tr>
        </thead>
        <tbody>
          {token.rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their place
            <tr key={index}>{cells(row, "td")}</tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function cells(row: Tokens.TableCell[], Tag: "th" | "td") {
  return row.map((cell, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: cells have no identity but their place
    <Tag key={index} className={cell.align ? `md-${cell.align}` : undefined}>
      {inlineNodes(cell.tokens)}
    </Tag>
  ));
}
