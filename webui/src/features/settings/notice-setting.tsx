/** Whether the browser tells of finished answers. It asks whether it may when somebody turns this on. */
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import FormHelperText from "@mui/material/FormHelperText";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { areNoticesOn, noticePermission, turnNotices } from "@/lib/browser-notice";

export function NoticeSetting() {
  const { t } = useTranslation();
  const [isOn, setOn] = useState(areNoticesOn);
  const [permission, setPermission] = useState(noticePermission);
  const isPossible = permission === "default" || permission === "granted";
  const turn = async (wanted: boolean) => {
    await turnNotices(wanted);
    setOn(areNoticesOn());
    setPermission(noticePermission());
  };
  return (
    <div>
      <FormControlLabel
        label={t("settings.notices")}
        disabled={!isPossible}
        control={<Checkbox checked={isOn} onChange={(_, checked) => turn(checked)} />}
      />
      {!isPossible && (
        <FormHelperText sx={{ ml: 4 }}>
          {t(permission === "denied" ? "settings.noticesDenied" : "settings.noticesUnsupported")}
        </FormHelperText>
      )}
    </div>
  );
}
