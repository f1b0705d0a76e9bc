/** What the owner of a chat can do with it, wherever its menu is. */
import { useTranslation } from "react-i18next";
import type { SessionView } from "@/api/types.gen";
import type { MenuAction } from "@/ui/action-menu";
import { useBulkActions } from "./use-bulk-actions";
import { useSessionActions } from "./use-session-actions";

interface Place {
  rename: () => void;
  file: () => void;
  /** Begins to choose several; absent where there is no list. */
  choose?: () => void;
}

export function useSessionItems(): (session: SessionView, place: Place) => MenuAction[] {
  const { t } = useTranslation();
  const { change, remove } = useSessionActions();
  const { archive } = useBulkActions();
  return (session, { rename, file, choose }) => {
    const { is_pinned: isPinned, is_archived: isArchived } = session;
    return [
      { icon: "edit", label: t("sessions.rename"), act: rename },
      {
        icon: "pin",
        label: t(isPinned ? "sessions.unpin" : "sessions.pin"),
        act: () => change(session, { is_pinned: !isPinned }),
      },
      { icon: "folder", label: t("folders.move"), act: file },
      {
        icon: "archive",
        label: t(isArchived ? "sessions.unarchive" : "sessions.archive"),
        act: () => archive([session], !isArchived),
      },
      ...(choose ? [{ icon: "select", label: t("bulk.begin"), act: choose } as const] : []),
      { icon: "trash", label: t("sessions.delete"), act: () => remove(session), isDangerous: true },
    ];
  };
}
