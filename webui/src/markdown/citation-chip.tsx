/** A mark of a citation: a button for each of its numbers that opens what is cited. */
import { useTranslation } from "react-i18next";
import type { CitationToken } from "./citation-tokens";
import { useCitations } from "./citations-context";

interface Props {
  token: CitationToken;
}

export function CitationChip({ token }: Props) {
  const { t } = useTranslation();
  const citationOf = useCitations();
  const { numbers, places, raw } = token;
  const found = numbers.map((number, n) => citationOf(number, places[n] ?? 0));
  if (found.includes(null)) return raw;
  return found.map((citation, n) => {
    if (!citation) return null;
    const { name, isSupported, open } = citation;
    const label = isSupported ? name : `${name}. ${t("markdown.unsupported")}`;
    return (
      <button
        // biome-ignore lint/suspicious/noArrayIndexKey: a mark never changes
        key={n}
        type="button"
        className={isSupported ? "md-cite" : "md-cite md-cite-doubtful"}
        aria-label={label}
        title={label}
        onClick={open}
      >
        {numbers[n]}
        {!isSupported && <span aria-hidden>?</span>}
      </button>
    );
  });
}
