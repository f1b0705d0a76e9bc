/** Something is on its way. Shown only after a moment: what comes at once should not flicker. */
import Box from "@mui/material/Box";
import CircularProgress from "@mui/material/CircularProgress";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

const SHOWN_AFTER_MS = 300;

export function Loading() {
  const { t } = useTranslation();
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), SHOWN_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <Box role="status" sx={{ display: "grid", placeItems: "center", minHeight: 120, height: "100%" }}>
      {isShown && <CircularProgress size={28} aria-label={t("common.loading")} />}
    </Box>
  );
}
