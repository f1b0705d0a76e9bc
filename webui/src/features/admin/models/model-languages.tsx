/** The languages of a model, by name. */
import { useTranslation } from "react-i18next";
import { languageNames } from "@/lib/language-names";

interface Props {
  codes: readonly string[];
}

export function ModelLanguages({ codes }: Props) {
  const { t, i18n } = useTranslation();
  if (codes.includes("multilingual")) return t("admin.models.manyLanguages");
  const { names, more } = languageNames(codes, i18n.language);
  if (names.length === 0) return t("admin.models.unknownLanguages");
  const shown = names.join(", ");
  return more > 0 ? t("admin.models.moreLanguages", { names: shown, count: more }) : shown;
}
