/** Shows the notice of the moment, near the lower edge, for a while or until it was acted on. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconAction } from "./icon-action";
import { useNotices } from "./notices-state";

const SHOWN_FOR_MS = 7000;

export function Notices() {
  const { t } = useTranslation();
  const { notice, hide } = useNotices();
  const [isHeld, setHeld] = useState(false); // somebody points at it or is in it: it does not go away under them
  useEffect(() => {
    if (!notice || isHeld) return;
    const timer = setTimeout(hide, SHOWN_FOR_MS);
    return () => clearTimeout(timer);
  }, [notice, isHeld, hide]);
  const action = notice?.action;
  const act = () => {
    hide();
    action?.onClick();
  };
  return (
    <Box
      role="status"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
      sx={{
        position: "fixed",
        // Below the head of the page where it is narrow, above the field where messages are written where there is room.
        top: { xs: 64, sm: "auto" },
        bottom: { xs: "auto", sm: 112 },
        insetInline: 16,
        zIndex: "snackbar",
        display: "grid",
        placeItems: "center",
        pointerEvents: "none",
      }}
    >
      {notice && (
        <Box
          sx={{
            pointerEvents: "auto",
            display: "flex",
            alignItems: "center",
            gap: 1,
            maxWidth: 560,
            pl: 2,
            pr: 1,
            py: 0.75,
            borderRadius: 1,
            bgcolor: "text.primary",
            color: "background.paper",
            boxShadow: 6,
          }}
        >
          <Box sx={{ flex: 1, fontSize: "0.92rem" }}>{notice.text}</Box>
          {action && (
            <Button color="inherit" size="small" onClick={act} sx={{ fontWeight: 700, whiteSpace: "nowrap" }}>
              {action.label}
            </Button>
          )}
          <IconAction icon="close" iconSize={16} color="inherit" label={t("common.close")} onClick={hide} />
        </Box>
      )}
    </Box>
  );
}
