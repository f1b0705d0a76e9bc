/** The actions of one chat. */
import ListItemIcon from "@mui/material/ListItemIcon";
import MenuItem from "@mui/material/MenuItem";
import { useTranslation } from "react-i18next";
import type { SessionView } from "@/api/types.gen";
import { Icon } from "@/ui/icon";
import type { IconName } from "@/ui/icon-paths";
import { PopupMenu } from "@/ui/popup-menu";
import { useSessionActions } from "./use-session-actions";

interface Props {
  session: SessionView;
  anchor: HTMLElement | null;
  close: () => void;
  rename: () => void;
  file: () => void;
  choose: () => void;
}

export function SessionMenu({ session, anchor, close, rename, file, choose }: Props) {
  const { t } = useTranslation();
  const { change, remove } = useSessionActions();
  const { is_pinned: isPinned, is_archived: isArchived } = session;
  const items: [IconName, string, () => void][] = [
    ["edit", t("sessions.rename"), rename],
    ["pin", isPinned ? t("sessions.unpin") : t("sessions.pin"), () => change(session, { is_pinned: !isPinned })],
    ["folder", t("folders.move"), file],
    [
      "archive",
      isArchived ? t("sessions.unarchive") : t("sessions.archive"),
      () => change(session, { is_archived: !isArchived }),
    ],
    ["select", t("bulk.begin"), choose],
    ["trash", t("sessions.delete"), () => remove(session)],
  ];
  return (
    <PopupMenu anchor={anchor} close={close}>
      {items.map(([icon, label, act]) => (
        <MenuItem
          key={icon}
          dense
          onClick={() => {
            close();
            act();
          }}
        >
          <ListItemIcon>
            <Icon name={icon} size={18} />
          </ListItemIcon>
          {label}
        </MenuItem>
      ))}
    </PopupMenu>
  );
}
