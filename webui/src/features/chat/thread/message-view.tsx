/** One message of a thread. Rendered again only when it changed: an answer that grows is no change of the others. */
import Box from "@mui/material/Box";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import type { PathMessageView } from "@/api/types.gen";
import type { SaidFrame } from "@/live/protocol";
import { elementIdOf } from "../use-jump";
import { AnswerView } from "./answer-view";
import { QuestionView } from "./question-view";

interface Props {
  message: PathMessageView;
  say: (frame: SaidFrame) => void;
  /** It is older than what the model is sent. */
  isForgotten: boolean;
}

export const MessageView = memo(function MessageView({ message, say, isForgotten }: Props) {
  const { t } = useTranslation();
  return (
    // What is out of sight is neither laid out nor painted, and still found, copied and read out.
    <Box
      component="article"
      id={elementIdOf(message.message_id)}
      tabIndex={-1}
      sx={{
        contentVisibility: "auto",
        containIntrinsicSize: "auto 160px",
        py: 1,
        color: isForgotten ? "text.secondary" : undefined, // paler, and still as readable as notes are
        outline: 0, // focused by a jump alone, which shows where it is otherwise
        "& .message-actions": { opacity: 0.0, transition: "opacity 120ms" },
        "&:hover .message-actions, &:focus-within .message-actions, &:last-of-type .message-actions": { opacity: 1 },
        "@media (hover: none)": { "& .message-actions": { opacity: 1 } },
      }}
    >
      {/* With a screen reader one goes from message to message by their headings. */}
      <h2 className="visually-hidden">{message.role === "user" ? t("chat.question") : t("chat.answer")}</h2>
      {message.role === "user" ? (
        <QuestionView message={message} say={say} />
      ) : (
        <AnswerView message={message} say={say} />
      )}
    </Box>
  );
});
