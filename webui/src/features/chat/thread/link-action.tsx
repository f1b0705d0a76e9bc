/** Copies the address of a message, for whoever may see the chat. */
import { useTranslation } from "react-i18next";
import type { PathMessageView } from "@/api/types.gen";
import { messagePath } from "@/lib/chat-path";
import { fullAddressOf } from "@/lib/place";
import { CopyAction } from "./copy-action";

interface Props {
  message: PathMessageView;
}

export function LinkAction({ message }: Props) {
  const { t } = useTranslation();
  const address = fullAddressOf(messagePath(message.session_id, message.message_id));
  return <CopyAction text={address} icon="link" label={t("chat.copyLink")} />;
}
