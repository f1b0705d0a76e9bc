/** The first thing that Tab comes to: past the list at the side, to the page itself. Seen while it is focused. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";

export function SkipLink() {
  const { t } = useTranslation();
  const skip = () => document.querySelector<HTMLElement>("main")?.focus();
  return (
    <Box
      component="button"
      type="button"
      onClick={skip}
      sx={{
        position: "fixed",
        top: 8,
        insetInlineStart: 8,
        zIndex: "tooltip",
        px: 2,
        py: 1,
        border: 0,
        borderRadius: 1,
        font: "inherit",
        fontWeight: 600,
        color: "primary.contrastText",
        bgcolor: "primary.main",
        "&:not(:focus)": { clipPath: "inset(50%)", pointerEvents: "none" },
      }}
    >
      {t("common.skip")}
    </Box>
  );
}
