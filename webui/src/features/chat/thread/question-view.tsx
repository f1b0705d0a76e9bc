/** What a person said; it can be said otherwise, which begins another branch. */
import Box from "@mui/material/Box";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { PathMessageView } from "@/api/types.gen";
import type { SaidFrame } from "@/live/protocol";
import { IconAction } from "@/ui/icon-action";
import { newId } from "../pending";
import { BranchPicker } from "./branch-picker";
import { Bubble } from "./bubble";
import { CopyAction } from "./copy-action";
import { MessageEditor } from "./message-editor";

interface Props {
  message: PathMessageView;
  say: (frame: SaidFrame) => void;
}

export function QuestionView({ message, say }: Props) {
  const { t } = useTranslation();
  const [isEditing, setEditing] = useState(false);
  const save = (content: string) => {
    setEditing(false);
    say({ type: "edit", message_id: message.message_id, content, client_message_id: newId() });
  };
  if (isEditing) return <MessageEditor text={message.content} save={save} cancel={() => setEditing(false)} />;
  return (
    <>
      <Bubble text={message.content} />
      <Box
        className="message-actions"
        sx={{ display: "flex", justifyContent: "flex-end", alignItems: "center", mt: 0.25 }}
      >
        <BranchPicker message={message} />
        <IconAction icon="edit" iconSize={17} label={t("chat.edit")} onClick={() => setEditing(true)} />
        <CopyAction text={message.content} />
      </Box>
    </>
  );
}
