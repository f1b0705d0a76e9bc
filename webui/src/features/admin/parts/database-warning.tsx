/** What an operator should know of the database, in the server's own words. */
import Alert from "@mui/material/Alert";
import AlertTitle from "@mui/material/AlertTitle";
import { useTranslation } from "react-i18next";

interface Props {
  text: string | null;
}

export function DatabaseWarning({ text }: Props) {
  const { t } = useTranslation();
  if (!text) return null;
  return (
    <Alert severity="warning" sx={{ mb: 2 }}>
      <AlertTitle>{t("admin.database.warning")}</AlertTitle>
      <span lang="en">{text}</span>
    </Alert>
  );
}
