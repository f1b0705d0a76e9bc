/** What a person said; it can be said otherwise, which begins another branch. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import type { PathMessageView } from "@/api/types.gen";
import type { SaidFrame } from "@/live/protocol";
import { IconAction } from "@/ui/icon-action";
import { latePart } from "@/ui/late-part";
import { hueOf } from "../people/initials";
import { useReader } from "../people/reader";
import { BranchPicker } from "./branch-picker";
import { Bubble } from "./bubble";
import { CopyAction } from "./copy-action";
import { MessageEditor } from "./late-parts";
import { LinkAction } from "./link-action";
import { useEdit } from "./use-edit";

const Byline = latePart(() => import("../people/byline").then((module) => module.Byline));

interface Props {
  message: PathMessageView;
  say: (frame: SaidFrame) => void;
}

export function QuestionView({ message, say }: Props) {
  const { t } = useTranslation();
  const edit = useEdit(message, say);
  const { userId, isShared, mayWrite } = useReader();
  const isMine = !isShared || message.author_id === userId;
  if (edit.isEditing)
    return <MessageEditor.Part text={message.content} isAnswered save={edit.save} cancel={edit.cancel} />;
  return (
    <>
      {isShared && <Byline.Part message={message} isMine={isMine} />}
      <Bubble text={message.content} hue={isMine ? undefined : hueOf(message.author_name ?? t("people.unknown"))} />
      <Box
        className="message-actions"
        sx={{ display: "flex", justifyContent: isMine ? "flex-end" : "flex-start", alignItems: "center", mt: 0.25 }}
      >
        <BranchPicker message={message} />
        {mayWrite && <IconAction icon="edit" iconSize={17} label={t("chat.edit")} onClick={edit.begin} />}
        <CopyAction text={message.content} />
        <LinkAction message={message} />
      </Box>
    </>
  );
}
