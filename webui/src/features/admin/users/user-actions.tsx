/** What can be done to an account. One's own cannot be shut out or deleted from here. */
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import type { ManagedUser } from "@/api/types.gen";
import { type RowAction, RowMenu } from "../parts/row-menu";
import type { UserQuestion } from "./user-dialogs";

interface Props {
  user: ManagedUser;
  isOwn: boolean;
  ask: (question: UserQuestion) => void;
}

export function UserActions({ user, isOwn, ask }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const isAdmin = user.role === "admin";
  const asking = (kind: UserQuestion["kind"]) => () => ask({ kind, user });
  const actions: RowAction[] = [
    {
      key: "usage",
      label: t("admin.users.toUsage"),
      run: () => navigate(`/usage?user=${encodeURIComponent(user.user_id)}`),
    },
    {
      key: "audit",
      label: t("admin.users.toAudit"),
      run: () => navigate(`/audit?actor=${encodeURIComponent(user.username)}`),
    },
    {
      key: "role",
      label: t(isAdmin ? "admin.users.unmakeAdmin" : "admin.users.makeAdmin"),
      run: asking(isAdmin ? "unmakeAdmin" : "makeAdmin"),
      isDisabled: isOwn,
    },
    { key: "quota", label: t("admin.users.setQuota"), run: asking("quota") },
    { key: "limits", label: t("admin.users.setLimits"), run: asking("limits") },
    { key: "password", label: t("admin.users.resetPassword"), run: asking("password") },
    { key: "signOut", label: t("admin.users.signOut"), run: asking("signOut"), isDisabled: user.num_logins === 0 },
    {
      key: "disable",
      label: t(user.is_disabled ? "admin.users.enable" : "admin.users.disable"),
      run: asking(user.is_disabled ? "enable" : "disable"),
      isDisabled: isOwn,
    },
    { key: "delete", label: t("admin.users.delete"), run: asking("delete"), isDisabled: isOwn },
  ];
  return <RowMenu label={t("admin.users.actionsOf", { name: user.username })} actions={actions} />;
}
