/** What is folded away without a line that says what it is. */
import { useTranslation } from "react-i18next";

export function DetailsName() {
  const { t } = useTranslation();
  return t("markdown.details");
}
