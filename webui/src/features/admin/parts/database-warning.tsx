/** What an operator should know of the database. */
import Alert from "@mui/material/Alert";
import AlertTitle from "@mui/material/AlertTitle";
import { useTranslation } from "react-i18next";

interface Props {
  /** The server warns; in English words, of which the page has its own. */
  text: string | null;
  version: string;
}

export function DatabaseWarning({ text, version }: Props) {
  const { t } = useTranslation();
  if (!text) return null;
  return (
    <Alert severity="warning" sx={{ mb: 2 }}>
      <AlertTitle>{t("admin.database.warning")}</AlertTitle>
      {t("admin.database.warningText", { version })}
    </Alert>
  );
}
