/** Below an answer: its branches, copy, another one, and what it took. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import type { PathMessageView } from "@/api/types.gen";
import type { SaidFrame } from "@/live/protocol";
import { IconAction } from "@/ui/icon-action";
import { useReader } from "../people/reader";
import { useFork } from "../use-fork";
import { AnswerCost } from "./answer-cost";
import { BranchPicker } from "./branch-picker";
import { CopyAction } from "./copy-action";
import { LinkAction } from "./link-action";

interface Props {
  message: PathMessageView;
  say: (frame: SaidFrame) => void;
  edit: () => void;
}

export function AnswerActions({ message, say, edit }: Props) {
  const { t } = useTranslation();
  const { message_id: messageId, metadata } = message;
  const fork = useFork(message.session_id);
  const { mayWrite } = useReader();
  return (
    <Box
      className="message-actions"
      sx={{ display: "flex", alignItems: "center", flexWrap: "wrap", ml: -0.75, mt: 0.5 }}
    >
      <BranchPicker message={message} />
      <CopyAction text={message.content} />
      <LinkAction message={message} />
      {mayWrite && message.content && (
        <IconAction icon="edit" iconSize={17} label={t("chat.editAnswer")} onClick={edit} />
      )}
      {mayWrite && (
        <IconAction
          icon="retry"
          iconSize={17}
          label={t("chat.regenerate")}
          onClick={() => say({ type: "regenerate", message_id: messageId })}
        />
      )}
      <IconAction icon="fork" iconSize={17} label={t("chat.forkHere")} onClick={() => fork(messageId)} />
      {metadata && <AnswerCost metadata={metadata} />}
    </Box>
  );
}
