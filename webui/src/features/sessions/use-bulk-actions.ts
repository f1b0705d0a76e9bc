/** What is done to many chats at once; one undo brings all of them back to where they were. */
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import type { BulkChanges, SessionView } from "@/api/types.gen";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";

type Changes = Omit<BulkChanges, "session_ids">;
/** As many as the server changes in one request. */
const MOST = 500;

export function useBulkActions() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { sessionId: shownId } = useParams();
  const { show } = useNotices();
  const textOf = useErrorText();

  const run = async (steps: readonly (readonly [readonly SessionView[], Changes])[]): Promise<boolean> => {
    try {
      for (const [sessions, changes] of steps) await changeAll(sessions, changes);
      return true;
    } catch (error) {
      show({ text: textOf(error) });
      return false;
    } finally {
      // The lists, and the chats themselves: no message and no setting of one is changed.
      queries.invalidateQueries({ queryKey: keys.lists });
      queries.invalidateQueries({
        queryKey: keys.chats,
        predicate: ({ queryKey }) => queryKey.length === keys.session("").length,
      });
    }
  };
  const withUndo = async (
    text: string,
    steps: Parameters<typeof run>[0],
    back: Parameters<typeof run>[0],
  ): Promise<boolean> => {
    const isDone = await run(steps);
    if (isDone) show({ text, action: { label: t("common.undo"), onClick: () => run(back) } });
    return isDone;
  };

  const archive = (sessions: readonly SessionView[], isArchived: boolean) => {
    const count = sessions.length;
    return withUndo(
      t(isArchived ? "bulk.archived" : "bulk.unarchived", { count }),
      [[sessions, { is_archived: isArchived }]],
      [true, false].map((former) => [
        sessions.filter((session) => session.is_archived === former),
        { is_archived: former },
      ]),
    );
  };
  const remove = async (sessions: readonly SessionView[]) => {
    const text = t("bulk.deleted", { count: sessions.length });
    const isDone = await withUndo(text, [[sessions, { is_deleted: true }]], [[sessions, { is_deleted: false }]]);
    if (isDone && sessions.some((session) => session.session_id === shownId)) navigate("/");
    return isDone;
  };
  /** "": out of its folder. */
  const file = (sessions: readonly SessionView[], folder: string) => {
    const count = sessions.length;
    const former = [...new Set(sessions.map((session) => session.folder))];
    return withUndo(
      folder ? t("bulk.filed", { count, folder }) : t("bulk.unfiled", { count }),
      [[sessions, { folder }]],
      former.map((each) => [sessions.filter((session) => session.folder === each), { folder: each }]),
    );
  };
  return { archive, remove, file };
}

async function changeAll(sessions: readonly SessionView[], changes: Changes): Promise<void> {
  const ids = sessions.map((session) => session.session_id);
  for (let from = 0; from < ids.length; from += MOST) {
    await call("POST /api/sessions/bulk", { body: { session_ids: ids.slice(from, from + MOST), ...changes } });
  }
}
