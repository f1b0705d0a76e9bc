/** A message on its way; or one that the server refused, with what can be done about it. */
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useTranslation } from "react-i18next";
import { type PendingMessage, usePending } from "../pending";
import { Bubble } from "./bubble";

interface Props {
  message: PendingMessage;
}

export function PendingView({ message }: Props) {
  const { t } = useTranslation();
  const { remove, retry } = usePending();
  return (
    <Box component="article" sx={{ py: 1 }}>
      <Bubble text={message.content} isFaint />
      {message.error !== null && (
        <Alert
          severity="error"
          sx={{ mt: 1 }}
          action={
            <>
              <Button color="inherit" size="small" onClick={() => retry(message.clientMessageId)}>
                {t("common.retry")}
              </Button>
              <Button color="inherit" size="small" onClick={() => remove(message.clientMessageId)}>
                {t("common.discard")}
              </Button>
            </>
          }
        >
          {message.error}
        </Alert>
      )}
    </Box>
  );
}
