/** What can be done with the whole chat. */
import ListItemIcon from "@mui/material/ListItemIcon";
import Menu from "@mui/material/Menu";
import MenuItem from "@mui/material/MenuItem";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/icon";
import { IconAction } from "@/ui/icon-action";
import { useFork } from "./use-fork";

const ChatSettingsDialog = lazy(() =>
  import("./settings/chat-settings-dialog").then((module) => ({ default: module.ChatSettingsDialog })),
);
const FORMATS = ["markdown", "bdchat"] as const;

interface Props {
  sessionId: string;
  /** Its settings are its own: readers may not change them. */
  isOwner: boolean;
}

export function ChatMenu({ sessionId, isOwner }: Props) {
  const { t } = useTranslation();
  const fork = useFork(sessionId);
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [isSettingsOpen, setSettingsOpen] = useState(false);
  const close = () => setAnchor(null);
  return (
    <>
      <IconAction icon="more" label={t("chat.menu")} onClick={(event) => setAnchor(event.currentTarget)} />
      <Menu open={anchor !== null} anchorEl={anchor} onClose={close}>
        {isOwner && (
          <MenuItem
            dense
            onClick={() => {
              close();
              setSettingsOpen(true);
            }}
          >
            <ListItemIcon>
              <Icon name="settings" size={18} />
            </ListItemIcon>
            {t("chat.settings.title")}
          </MenuItem>
        )}
        <MenuItem
          dense
          onClick={() => {
            close();
            fork();
          }}
        >
          <ListItemIcon>
            <Icon name="fork" size={18} />
          </ListItemIcon>
          {t("chat.fork")}
        </MenuItem>
        {FORMATS.map((format) => (
          <MenuItem
            key={format}
            dense
            component="a"
            href={`/api/sessions/${encodeURIComponent(sessionId)}/export?format=${format}`}
            download
            onClick={close}
          >
            <ListItemIcon>
              <Icon name="archive" size={18} />
            </ListItemIcon>
            {t(`chat.formats.${format}`)}
          </MenuItem>
        ))}
      </Menu>
      <Suspense>
        {isSettingsOpen && <ChatSettingsDialog sessionId={sessionId} close={() => setSettingsOpen(false)} />}
      </Suspense>
    </>
  );
}
