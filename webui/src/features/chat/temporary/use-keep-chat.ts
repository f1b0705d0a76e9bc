/** Makes a chat like any other out of a temporary one, when its writer wants it after all. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { call } from "@/api/client";
import type { ChatTurn } from "@/api/stream-chat";
import { useLeaving } from "@/ui/leaving";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";

const TITLE_CHARACTERS = 60;

export function useKeepChat(turns: readonly ChatTurn[]): { keep: () => Promise<void>; isBusy: boolean } {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const textOf = useErrorText();
  const { show } = useNotices();
  const [isBusy, setBusy] = useState(false);
  const keep = async () => {
    setBusy(true);
    try {
      const title = [...(turns[0]?.content ?? t("sessions.untitled"))].slice(0, TITLE_CHARACTERS).join("");
      const session = await call("POST /api/sessions", { body: { title: title.replaceAll(/\s+/g, " ").trim() } });
      const path = { session_id: session.session_id };
      for (const body of turns) await call("POST /api/sessions/{session_id}/messages", { path, body });
      useLeaving.getState().free(); // nothing is lost now
      navigate(`/chat/${session.session_id}`);
    } catch (error) {
      show({ text: textOf(error) });
      setBusy(false);
    }
  };
  return { keep, isBusy };
}
