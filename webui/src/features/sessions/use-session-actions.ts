/** What can be done to a chat in the list. The list is read again after each; a deleted chat can be brought back. */
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import type { SessionChanges, SessionView } from "@/api/types.gen";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";

export function useSessionActions() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { sessionId: shownId } = useParams();
  const { show } = useNotices();
  const textOf = useErrorText();

  /** What fails is said, and the list is as the server has it. */
  const tell = async (done: Promise<unknown>): Promise<boolean> => {
    try {
      await done;
      return true;
    } catch (error) {
      show({ text: textOf(error) });
      return false;
    } finally {
      queries.invalidateQueries({ queryKey: [...keys.sessions, "list"] });
    }
  };

  const change = async (session: SessionView, changes: SessionChanges) => {
    const path = { session_id: session.session_id };
    const isDone = await tell(call("PATCH /api/sessions/{session_id}", { path, body: changes }));
    if (isDone) queries.invalidateQueries({ queryKey: keys.session(session.session_id), exact: true });
  };

  const remove = async (session: SessionView) => {
    const path = { session_id: session.session_id };
    if (!(await tell(call("DELETE /api/sessions/{session_id}", { path })))) return;
    if (shownId === session.session_id) navigate("/");
    const restore = () => tell(call("POST /api/sessions/{session_id}/restore", { path }));
    const title = session.title || t("sessions.untitled");
    show({ text: t("sessions.deleted", { title }), action: { label: t("common.undo"), onClick: restore } });
  };

  return { change, remove };
}
