/** Where the field is for those who may write: that one may not, and what one may instead. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useTranslation } from "react-i18next";
import { useFork } from "../use-fork";

interface Props {
  sessionId: string;
  ownerName: string;
  /** There is something to be forked. */
  hasMessages: boolean;
}

export function ReadOnly({ sessionId, ownerName, hasMessages }: Props) {
  const { t } = useTranslation();
  const fork = useFork(sessionId);
  return (
    <Box sx={{ borderTop: 1, borderColor: "divider" }}>
      <Box
        sx={{
          display: "flex",
          flexWrap: "wrap",
          alignItems: "center",
          justifyContent: "center",
          gap: 1,
          maxWidth: 780,
          mx: "auto",
          px: 2,
          py: 1.5,
          pb: "max(12px, env(safe-area-inset-bottom))",
          fontSize: "0.92rem",
          color: "text.secondary",
        }}
      >
        {t("people.readOnly", { name: ownerName })}
        {hasMessages && (
          <Button size="small" onClick={() => fork()}>
            {t("chat.fork")}
          </Button>
        )}
      </Box>
    </Box>
  );
}
