/** Asks before an account is changed, and changes it. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import type { ManagedUser, UserChange, UserWithPassword } from "@/api/types.gen";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { adminKeys } from "../admin-keys";
import { LinkDialog } from "../parts/link-dialog";
import { useAction } from "../parts/use-action";
import { LimitsDialog } from "./limits-dialog";
import { QuotaDialog } from "./quota-dialog";

export interface UserQuestion {
  kind: "makeAdmin" | "unmakeAdmin" | "quota" | "limits" | "password" | "signOut" | "disable" | "enable" | "delete";
  user: ManagedUser;
}

interface Props {
  question: UserQuestion;
  close: () => void;
}

export function UserDialogs({ question: { kind, user }, close }: Props) {
  const { t } = useTranslation();
  const { attempt } = useAction();
  const [reset, setReset] = useState<UserWithPassword | null>(null);
  const name = user.username;
  const path = { user_id: user.user_id };
  const telling = { changes: [adminKeys.users] };

  const change = (body: UserChange) =>
    attempt(call("PATCH /api/admin/users/{user_id}", { path, body }), {
      said: t("admin.users.changed", { name }),
      ...telling,
    });
  const signOut = () =>
    attempt(call("DELETE /api/admin/users/{user_id}/sessions", { path }), {
      said: t("admin.users.signedOut", { name }),
      ...telling,
    });
  const remove = () =>
    attempt(call("DELETE /api/admin/users/{user_id}", { path }), {
      said: t("admin.users.deleted", { name }),
      ...telling,
    });
  const resetPassword = async () => {
    const made = await attempt(call("POST /api/admin/users/{user_id}/password", { path }), telling);
    setReset(made);
  };

  if (reset !== null) {
    return (
      <LinkDialog title={t("admin.users.newPassword", { name })} link={reset.link} close={close}>
        {t("admin.users.passwordText", { password: reset.password })}
      </LinkDialog>
    );
  }
  switch (kind) {
    case "quota":
      return <QuotaDialog user={user} close={close} />;
    case "limits":
      return <LimitsDialog user={user} close={close} />;
    case "password":
      return (
        <ConfirmDialog
          title={t("admin.users.resetTitle", { name })}
          action={t("admin.users.resetPassword")}
          run={resetPassword}
          close={close}
          done={() => undefined} // the link is shown instead
        >
          {t("admin.users.resetText")}
        </ConfirmDialog>
      );
    case "signOut":
      return (
        <ConfirmDialog
          title={t("admin.users.signOutTitle", { name })}
          action={t("admin.users.signOut")}
          run={signOut}
          close={close}
        >
          {t("admin.users.signOutText")}
        </ConfirmDialog>
      );
    case "delete":
      return (
        <ConfirmDialog
          title={t("admin.users.deleteTitle", { name })}
          action={t("admin.users.delete")}
          word={name}
          run={remove}
          close={close}
        >
          {t("admin.users.deleteText", { count: user.num_sessions })}
        </ConfirmDialog>
      );
    case "disable":
    case "enable":
      return (
        <ConfirmDialog
          title={t(kind === "disable" ? "admin.users.disableTitle" : "admin.users.enableTitle", { name })}
          action={t(kind === "disable" ? "admin.users.disable" : "admin.users.enable")}
          isHarmless={kind === "enable"}
          run={() => change({ is_disabled: kind === "disable" })}
          close={close}
        >
          {t(kind === "disable" ? "admin.users.disableText" : "admin.users.enableText")}
        </ConfirmDialog>
      );
    case "makeAdmin":
    case "unmakeAdmin":
      return (
        <ConfirmDialog
          title={t(kind === "makeAdmin" ? "admin.users.makeAdminTitle" : "admin.users.unmakeAdminTitle", { name })}
          action={t(kind === "makeAdmin" ? "admin.users.makeAdmin" : "admin.users.unmakeAdmin")}
          isHarmless={kind === "makeAdmin"}
          run={() => change({ role: kind === "makeAdmin" ? "admin" : "user" })}
          close={close}
        >
          {t(kind === "makeAdmin" ? "admin.users.makeAdminText" : "admin.users.unmakeAdminText")}
        </ConfirmDialog>
      );
  }
}
