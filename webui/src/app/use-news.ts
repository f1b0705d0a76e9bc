/** What is said outside a chat: what must be read again, and what its reader should hear of. */
import { useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { useMatch, useNavigate } from "react-router";
import { keys } from "@/api/keys";
import { showBrowserNotice } from "@/lib/browser-notice";
import type { HeardFrame, HeardOf } from "@/live/protocol";
import { useNotices } from "@/ui/notices-state";

export function useNews(): (frame: HeardFrame) => void {
  const queries = useQueryClient();
  const tell = useNotification();
  const wasGreeted = useRef(false);
  return (frame) => {
    switch (frame.type) {
      case "session":
        queries.invalidateQueries({ queryKey: [...keys.sessions, "list"] });
        if (frame.session_id) queries.invalidateQueries({ queryKey: keys.session(frame.session_id), exact: true });
        break;
      case "notification":
        tell(frame);
        break;
      case "hello":
        if (wasGreeted.current) queries.invalidateQueries(); // the line had broken: something may have been missed
        wasGreeted.current = true;
        break;
      case "resync":
        queries.invalidateQueries();
        break;
    }
  };
}

function useNotification(): (frame: HeardOf<"notification">) => void {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const shownId = useMatch("/chat/:sessionId")?.params.sessionId;
  const { show } = useNotices();
  return ({ kind, data }) => {
    const { session_id: sessionId, title: given } = data;
    if (typeof sessionId !== "string") return;
    const title = typeof given === "string" && given ? given : t("sessions.untitled");
    const texts: Record<string, string> = {
      "answer.finished": t("news.finished", { title }),
      "session.shared": t("news.shared", { title }),
    };
    const text = texts[kind];
    if (!text) return;
    const open = () => navigate(`/chat/${sessionId}`);
    showBrowserNotice(text, sessionId, open);
    if (shownId !== sessionId) show({ text, action: { label: t("news.open"), onClick: open } });
  };
}
