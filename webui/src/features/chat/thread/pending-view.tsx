/** A message on its way; or one that the server refused, with what can be done about it. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useTranslation } from "react-i18next";
import { type PendingMessage, usePending } from "../pending";
import { Bubble } from "./bubble";
import { Waiting } from "./waiting";

interface Props {
  message: PendingMessage;
  /** Which will answer. */
  model: string | undefined;
}

export function PendingView({ message, model }: Props) {
  const { t } = useTranslation();
  const { remove, retry } = usePending();
  return (
    <Box component="article" sx={{ py: 1 }}>
      <Bubble text={message.content} isFaint />
      {message.error === null && <Waiting model={model} isQuiet />}
      {message.error !== null && (
        <Box
          role="alert"
          sx={{
            display: "flex",
            justifyContent: "flex-end",
            alignItems: "center",
            gap: 1,
            mt: 0.5,
            fontSize: "0.88rem",
            color: "error.main",
          }}
        >
          {message.error}
          <Button size="small" onClick={() => retry(message.clientMessageId)}>
            {t("common.retry")}
          </Button>
          <Button size="small" onClick={() => remove(message.clientMessageId)}>
            {t("common.discard")}
          </Button>
        </Box>
      )}
    </Box>
  );
}
