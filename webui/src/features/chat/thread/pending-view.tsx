/** A message on its way; or one that the server refused, with what can be done about it. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useTranslation } from "react-i18next";
import { withoutAttachments } from "../attachment";
import { joined, NOTHING, useDraftChange } from "../drafts";
import { newId, type PendingMessage, usePending } from "../pending";
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
  const write = useDraftChange(message.sessionId);
  const takeBack = () => {
    remove(message.clientMessageId);
    const { text, attached } = withoutAttachments(message.content);
    const attachments = attached.map((each) => ({ ...each, id: newId() }));
    write((draft) => joined({ ...NOTHING, text, attachments }, draft));
  };
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
          <Button size="small" onClick={takeBack}>
            {t("chat.edit")}
          </Button>
          <Button size="small" onClick={() => remove(message.clientMessageId)}>
            {t("common.discard")}
          </Button>
        </Box>
      )}
    </Box>
  );
}
