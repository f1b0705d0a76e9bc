/** Asks before somebody leaves a chat that was shared with them. */
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import { useMe } from "@/api/use-me";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { useNotices } from "@/ui/notices-state";

interface Props {
  sessionId: string;
  title: string;
  close: () => void;
}

export function LeaveDialog({ sessionId, title, close }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { show } = useNotices();
  const userId = useMe().data?.user?.user_id ?? "";
  const leave = () =>
    call("DELETE /api/sessions/{session_id}/members/{user_id}", { path: { session_id: sessionId, user_id: userId } });
  const done = () => {
    queries.invalidateQueries({ queryKey: [...keys.sessions, "list"] });
    show({ text: t("sharing.left", { title }) });
    navigate("/");
  };
  return (
    <ConfirmDialog
      title={t("sharing.leaveTitle", { title })}
      action={t("chat.leave")}
      run={leave}
      close={close}
      done={done}
    >
      {t("sharing.leaveText")}
    </ConfirmDialog>
  );
}
