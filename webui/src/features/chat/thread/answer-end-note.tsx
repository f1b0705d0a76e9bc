/** How an answer ended, when that is not by itself: stopped, too long, broken off, failed, changed by a person. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/errors";
import type { PathMessageView } from "@/api/types.gen";
import type { SaidFrame } from "@/live/protocol";
import { useErrorText } from "@/ui/use-error-text";
import { useReader } from "../people/reader";

interface Props {
  message: PathMessageView;
  say: (frame: SaidFrame) => void;
}

export function AnswerEndNote({ message, say }: Props) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const { mayWrite } = useReader();
  const ending = endingOf(message);
  if (ending === null) return null;
  const reason = message.error && textOf(new ApiError(message.error.code ?? "", message.error.message));
  const canContinue = mayWrite && ending !== "failed" && ending !== "edited" && message.content !== "";
  return (
    <Box sx={{ display: "flex", alignItems: "center", gap: 1, mt: 1, fontSize: "0.88rem", color: "text.secondary" }}>
      <span>{[t(`chat.ended.${ending}`), reason].filter(Boolean).join(" · ")}</span>
      {canContinue && (
        <Button size="small" onClick={() => say({ type: "continue", message_id: message.message_id })}>
          {t("chat.continue")}
        </Button>
      )}
    </Box>
  );
}

function endingOf({ status, finish_reason: reason }: PathMessageView) {
  if (status === "stopped" || status === "interrupted" || status === "failed") return status;
  return reason === "length" || reason === "edited" ? reason : null;
}
