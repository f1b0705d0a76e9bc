/** What a person said; it can be said otherwise, which begins another branch. */
import Box from "@mui/material/Box";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import type { PathMessageView } from "@/api/types.gen";
import type { SaidFrame } from "@/live/protocol";
import { IconAction } from "@/ui/icon-action";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";
import { newId } from "../pending";
import { Byline } from "../people/byline";
import { hueOf } from "../people/initials";
import { useReader } from "../people/reader";
import { BranchPicker } from "./branch-picker";
import { Bubble } from "./bubble";
import { CopyAction } from "./copy-action";
import { LinkAction } from "./link-action";
import { MessageEditor } from "./message-editor";

interface Props {
  message: PathMessageView;
  say: (frame: SaidFrame) => void;
}

export function QuestionView({ message, say }: Props) {
  const { t } = useTranslation();
  const [isEditing, setEditing] = useState(false);
  const { userId, isShared, mayWrite } = useReader();
  const isMine = !isShared || message.author_id === userId;
  const textOf = useErrorText();
  const { show } = useNotices();
  const save = async (content: string, { answers }: { answers: boolean }) => {
    const id = newId();
    if (answers) {
      setEditing(false);
      say({ type: "edit", message_id: message.message_id, content, client_message_id: id });
      return;
    }
    try {
      const path = { message_id: message.message_id };
      await call("POST /api/messages/{message_id}/edit", { path, body: { content, client_message_id: id, answers } });
      setEditing(false);
    } catch (error) {
      show({ text: textOf(error) }); // and the field keeps what was written
    }
  };
  if (isEditing) return <MessageEditor text={message.content} save={save} cancel={() => setEditing(false)} />;
  return (
    <>
      {isShared && <Byline message={message} isMine={isMine} />}
      <Bubble text={message.content} hue={isMine ? undefined : hueOf(message.author_name ?? t("people.unknown"))} />
      <Box
        className="message-actions"
        sx={{ display: "flex", justifyContent: isMine ? "flex-end" : "flex-start", alignItems: "center", mt: 0.25 }}
      >
        <BranchPicker message={message} />
        {mayWrite && <IconAction icon="edit" iconSize={17} label={t("chat.edit")} onClick={() => setEditing(true)} />}
        <CopyAction text={message.content} />
        <LinkAction message={message} />
      </Box>
    </>
  );
}
