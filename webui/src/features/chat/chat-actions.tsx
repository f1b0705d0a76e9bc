/** What can be done with the whole chat: the menu, and the dialogs that it leads to. */

import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { exportHref } from "@/api/export-href";
import { withPageWords } from "@/lib/i18n";
import { ActionMenu, type MenuAction } from "@/ui/action-menu";
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

export interface ChatActionsProps {
  sessionId: string;
  title: string;
  /** Which model answers. */
  model: string | undefined;
  /** What its owner can do with it, as in the list; null: somebody else's, whose are its settings and who may see it. */
  ofOwner: readonly MenuAction[] | null;
  /** What the menu hangs on; null: it is closed. */
  anchor: HTMLElement | null;
  close: () => void;
}

export function ChatActions({ sessionId, title, model, ofOwner, anchor, close }: ChatActionsProps) {
  const { t } = useTranslation();
  const forkAll = useFork(sessionId);
  const [dialog, setDialog] = useState<"settings" | "sharing" | "leave" | null>(null);
  const closeDialog = () => setDialog(null);
  const first: MenuAction[] = ofOwner
    ? [
        { icon: "settings", label: t("chat.settings.title"), act: () => setDialog("settings") },
        { icon: "share", label: t("chat.share"), act: () => setDialog("sharing") },
      ]
    : [{ icon: "leave", label: t("chat.leave"), act: () => setDialog("leave") }];
  const downloads = FORMATS.map((format): MenuAction => {
    return { icon: "download", label: t(`chat.formats.${format}`), href: exportHref(format, sessionId) };
  });
  const safe = ofOwner?.filter((action) => !action.isDangerous) ?? [];
  const dangerous = ofOwner?.filter((action) => action.isDangerous) ?? [];
  const fork: MenuAction = { icon: "fork", label: t("chat.fork"), act: () => forkAll() };
  return (
    <>
      <ActionMenu anchor={anchor} close={close} actions={[...first, ...safe, fork, ...downloads, ...dangerous]} />
      <Suspense>
        {dialog === "settings" && <ChatSettingsDialog sessionId={sessionId} model={model} close={closeDialog} />}
        {dialog === "sharing" && <SharingDialog sessionId={sessionId} close={closeDialog} />}
        {dialog === "leave" && <LeaveDialog sessionId={sessionId} title={title} close={closeDialog} />}
      </Suspense>
    </>
  );
}
