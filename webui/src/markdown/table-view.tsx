/**
 * A table; one that is too wide scrolls by itself, by keyboard too. Its columns run in the direction of its first letter,
 * the text of each cell in that of its own (markdown.css: an element with a direction would be passed over).
 */
import type { Tokens } from "marked";
import { useTranslation } from "react-i18next";
import { languageOf } from "@/lib/language";
import { inlineNodes } from "./inline-nodes";

/** Longer ones keep some width beside others, so that no column becomes a column of letters. */
const LONG_CHARACTERS = 12;
const SENTENCE_CHARACTERS = 48;

interface Props {
  token: Tokens.Table;
}

export function TableView({ token }: Props) {
  const { t } = useTranslation();
  return (
    // No region: a page with two tables would have two landmarks of one name.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    // biome-ignore lint/a11y/useSemanticElements: it is no set of fields
    <div role="group" className="md-table" tabIndex={0} aria-label={t("markdown.table")}>
      <table dir="auto">
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
    </div>
  );
}

function cells(row: Tokens.TableCell[], Tag: "th" | "td") {
  return row.map((cell, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: cells have no identity but their place
    <Tag key={index} className={classOf(cell)} lang={languageOf(cell.text)}>
      {inlineNodes(cell.tokens)}
    </Tag>
  ));
}

function classOf({ align, text }: Tokens.TableCell): string | undefined {
  const names = [align && `md-${align}`, lengthOf(text)].filter(Boolean);
  return names.length > 0 ? names.join(" ") : undefined;
}

function lengthOf(text: string): string | null {
  if (text.length > SENTENCE_CHARACTERS) return "md-sentence";
  return text.length > LONG_CHARACTERS ? "md-long" : null;
}
