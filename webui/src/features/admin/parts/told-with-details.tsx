/** What is wrong, in the reader's words; the server's or llama.cpp's own, which are English, only when asked for. */
import Alert, { type AlertProps } from "@mui/material/Alert";
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";

interface Props {
  severity: NonNullable<AlertProps["severity"]>;
  text: string;
  details: string;
}

export function ToldWithDetails({ severity, text, details }: Props) {
  const { t } = useTranslation();
  return (
    <Alert severity={severity}>
      {text}
      <Box component="details" lang="en" sx={{ mt: 0.5, overflowWrap: "anywhere" }}>
        <summary lang={document.documentElement.lang}>{t("admin.pulls.details")}</summary>
        {details}
      </Box>
    </Alert>
  );
}
