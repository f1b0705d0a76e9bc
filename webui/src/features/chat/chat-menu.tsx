/** What can be done with the whole chat. */

import ListItemIcon from "@mui/material/ListItemIcon";
import MenuItem from "@mui/material/MenuItem";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { exportHref } from "@/api/export-href";
import { withPageWords } from "@/lib/i18n";
import { Icon } from "@/ui/icon";
import { IconAction } from "@/ui/icon-action";
import type { IconName } from "@/ui/icon-paths";
import { PopupMenu } from "@/ui/popup-menu";
import { useFork } from "./use-fork";

const ChatSettingsDialog = lazy(() =>
  import("./settings/chat-settings-dialog").then((module) => ({ default: module.ChatSettingsDialog })),
);
const SharingDialog = lazy(() =>
  withPageWords(import("./sharing/sharing-dialog")).then((module) => ({ default: module.SharingDialog })),
);
const LeaveDialog = lazy(() =>
  withPageWords(import("./sharing/leave-dialog")).then((module) => ({ default: module.LeaveDialog })),
);
const FORMATS = ["markdown", "bdchat"] as const;

type Item = [IconName, string, () => void];

interface Props {
  sessionId: string;
  title: string;
  /** Which model answers. */
  model: string | undefined;
  /** Its settings are its owner's, and who may see it. */
  isOwner: boolean;
}

export function ChatMenu({ sessionId, title, model, isOwner }: Props) {
  const { t } = useTranslation();
  const fork = useFork(sessionId);
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [dialog, setDialog] = useState<"settings" | "sharing" | "leave" | null>(null);
  const close = () => setAnchor(null);
  const closeDialog = () => setDialog(null);
  const ofOwner: Item[] = [
    ["settings", t("chat.settings.title"), () => setDialog("settings")],
    ["share", t("chat.share"), () => setDialog("sharing")],
  ];
  const ofMember: Item[] = [["leave", t("chat.leave"), () => setDialog("leave")]];
  const items: Item[] = [...(isOwner ? ofOwner : ofMember), ["fork", t("chat.fork"), () => fork()]];
  return (
    <>
      <IconAction
        icon="more"
        label={t("chat.menu")}
        aria-haspopup="menu"
        onClick={(event) => setAnchor(event.currentTarget)}
      />
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
        {FORMATS.map((format) => (
          <MenuItem key={format} dense component="a" href={exportHref(format, sessionId)} download onClick={close}>
            <ListItemIcon>
              <Icon name="download" size={18} />
            </ListItemIcon>
            {t(`chat.formats.${format}`)}
          </MenuItem>
        ))}
      </PopupMenu>
      <Suspense>
        {dialog === "settings" && <ChatSettingsDialog sessionId={sessionId} model={model} close={closeDialog} />}
        {dialog === "sharing" && <SharingDialog sessionId={sessionId} close={closeDialog} />}
        {dialog === "leave" && <LeaveDialog sessionId={sessionId} title={title} close={closeDialog} />}
      </Suspense>
    </>
  );
}
