/** Whether the browser may tell of finished answers: it is asked only when somebody wants it. */
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { askForNotices, noticePermission } from "@/lib/browser-notice";

export function NoticeSetting() {
  const { t } = useTranslation();
  const [permission, setPermission] = useState(noticePermission);
  if (permission === "default") {
    return (
      <Button variant="outlined" onClick={async () => setPermission(await askForNotices())}>
        {t("settings.notices")}
      </Button>
    );
  }
  const text = {
    granted: t("settings.noticesOn"),
    denied: t("settings.noticesDenied"),
    unsupported: t("settings.noticesUnsupported"),
  }[permission];
  return (
    <Typography variant="body2" color="textSecondary">
      {text}
    </Typography>
  );
}
