/** What is said outside a chat: what must be read again, and what its reader should hear of. */
import { useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "react-router";
import { heardCollection, heardDocument, heardDocumentGone } from "@/api/document-news";
import { keys } from "@/api/keys";
import type { ChatInvitationView, DocumentView, PullView } from "@/api/types.gen";
import { showBrowserNotice } from "@/lib/browser-notice";
import type { HeardFrame, HeardOf } from "@/live/protocol";
import { useNotices } from "@/ui/notices-state";
import { useNewsList } from "./layout/news-state";
import { useGoTo } from "./layout/use-go-to";

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
      case "document.changed":
        heardDocument(queries, frame.document as unknown as DocumentView);
        break;
      case "document.deleted":
        heardDocumentGone(queries);
        break;
      case "collection.changed":
      case "collection.deleted":
        heardCollection(queries);
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
  const queries = useQueryClient();
  const tell = useTelling();
  return ({ kind, data }) => {
    if (kind === "admin.pull") {
      const { pull_id: id, model, state } = data as PullView;
      if (state === "done") tell(t("news.pulled", { model }), id, "/admin/models");
      else if (state === "failed") tell(t("news.pullFailed", { model }), id, "/admin/models");
      return;
    }
    const { session_id: sessionId, title: given } = data;
    const title = typeof given === "string" && given ? given : t("sessions.untitled");
    if (kind === "session.invited") {
      queries.invalidateQueries({ queryKey: keys.invitations });
      const { invitation_id: id, owner_username: name } = data as unknown as ChatInvitationView;
      tell(t("news.invited", { name, title }), id, null); // it is answered above the list of chats
    } else if (kind === "answer.finished" && typeof sessionId === "string") {
      tell(t("news.finished", { title }), sessionId, `/chat/${sessionId}`);
    }
  };
}

/** Puts `text` where the reader finds it. Who has `to` before their eyes needs no word about it. */
export function useTelling(): (text: string, tag: string, to: string | null) => void {
  const { t } = useTranslation();
  const goTo = useGoTo();
  const { pathname } = useLocation();
  const { show } = useNotices();
  const { add } = useNewsList();
  return (text, tag, to) => {
    const open = () => to && goTo(to);
    showBrowserNotice(text, tag, open);
    if (pathname === to) return;
    add(text, to);
    show({ text, ...(to ? { action: { label: t("news.open"), onClick: open } } : {}) });
  };
}
