/** The name of one of the reader's own chats while it is changed. */
import { useTranslation } from "react-i18next";
import type { SessionView } from "@/api/types.gen";
import { NameField } from "@/ui/name-field";
import { useSessionActions } from "./use-session-actions";

interface Props {
  session: SessionView;
  finish: () => void;
}

export function SessionRename({ session, finish }: Props) {
  const { t } = useTranslation();
  const { change } = useSessionActions();
  const keep = (value: string | null) => {
    finish();
    const title = value?.trim();
    if (title && title !== session.title) change(session, { title });
  };
  return <NameField title={session.title} label={t("sessions.name")} finish={keep} />;
}
