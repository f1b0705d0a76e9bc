/** What an operator should know of the database: said once, until it is another version's affair. */
import Alert from "@mui/material/Alert";
import AlertTitle from "@mui/material/AlertTitle";
import { useState } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  /** The server warns; in English words, of which the page has its own. */
  text: string | null;
  version: string;
}

const READ_OF = "bdchat.database-warning"; // of which version it was read in this browser

export function DatabaseWarning({ text, version }: Props) {
  const { t } = useTranslation();
  const [readOf, setReadOf] = useState(() => localStorage.getItem(READ_OF));
  if (!text || readOf === version) return null;
  const close = () => {
    localStorage.setItem(READ_OF, version);
    setReadOf(version);
  };
  return (
    <Alert severity="info" onClose={close} closeText={t("common.close")} sx={{ mb: 2 }}>
      <AlertTitle>{t("admin.database.warning")}</AlertTitle>
      {t("admin.database.warningText", { version })}
    </Alert>
  );
}
