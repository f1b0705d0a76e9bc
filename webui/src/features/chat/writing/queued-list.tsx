/** Messages that are sent, in this order, when the answer that is being written has ended. */
import Box from "@mui/material/Box";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconAction } from "@/ui/icon-action";

const TextDialog = lazy(() => import("./text-dialog").then((module) => ({ default: module.TextDialog })));

export interface QueuedMessage {
  id: string;
  content: string;
}

export interface MessageQueue {
  messages: readonly QueuedMessage[];
  change: (id: string, content: string) => void;
  remove: (id: string) => void;
  /** Sends the first, which nothing else will: the last answer failed, or another branch is shown. */
  sendFirst?: (() => void) | undefined;
}

interface Props {
  queue: MessageQueue;
}

export function QueuedList({ queue }: Props) {
  const { t } = useTranslation();
  const [openId, setOpenId] = useState<string | null>(null);
  const { messages, sendFirst } = queue;
  const open = messages.find((each) => each.id === openId);
  return (
    <Box sx={{ px: 1.5, pb: 0.75, fontSize: "0.88rem" }}>
      <Box role="status" sx={{ color: "text.secondary", fontSize: "0.8rem" }}>
        {sendFirst
          ? t("writing.queueHeld", { count: messages.length })
          : t("writing.queued", { count: messages.length })}
      </Box>
      <Box component="ol" aria-label={t("writing.queue")} sx={{ m: 0, p: 0, listStyle: "none" }}>
        {messages.map(({ id, content }, index) => (
          <Box component="li" key={id} sx={{ display: "flex", alignItems: "center", minWidth: 0 }}>
            <Box component="span" dir="auto" className="ellipsis" sx={{ flex: 1 }}>
              {content}
            </Box>
            {index === 0 && sendFirst && (
              <IconAction icon="send" iconSize={16} label={t("writing.sendNow")} onClick={sendFirst} />
            )}
            <IconAction icon="edit" iconSize={16} label={t("writing.editQueued")} onClick={() => setOpenId(id)} />
            <IconAction icon="close" iconSize={16} label={t("writing.unqueue")} onClick={() => queue.remove(id)} />
          </Box>
        ))}
      </Box>
      <Suspense>
        {open && (
          <TextDialog
            title={t("writing.editQueued")}
            text={open.content}
            save={(content) => queue.change(open.id, content)}
            close={() => setOpenId(null)}
          />
        )}
      </Suspense>
    </Box>
  );
}
