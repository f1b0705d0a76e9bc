/** Where the model's memory begins: what is above no longer fits into what it is sent. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";

const RULE = { content: '""', flex: 1, minWidth: 16, borderTop: 1, borderColor: "divider" } as const;

export function MemoryLine() {
  const { t } = useTranslation();
  return (
    <Box
      component="p"
      sx={{
        display: "flex",
        alignItems: "center",
        gap: 1.5,
        my: 1.5,
        color: "text.secondary",
        fontSize: "0.82rem",
        textAlign: "center",
        "&::before, &::after": RULE,
      }}
    >
      {t("chat.memoryBegins")}
    </Box>
  );
}
