/** An account that an admin makes for somebody: the link to its first sign-in is shown once. */
import TextField from "@mui/material/TextField";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { ManagedUser } from "@/api/types.gen";
import { Select } from "@/ui/select";
import { useErrorText } from "@/ui/use-error-text";
import { adminKeys } from "../admin-keys";
import { FormDialog } from "../parts/form-dialog";
import { LinkDialog } from "../parts/link-dialog";
import { useAction } from "../parts/use-action";

type Role = ManagedUser["role"];

interface Props {
  close: () => void;
}

export function NewUserDialog({ close }: Props) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const { attempt } = useAction();
  const [username, setUsername] = useState("");
  const [displayName, setDisplayName] = useState("");
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("user");
  const create = useMutation({
    mutationFn: () => {
      const body = { username, display_name: displayName.trim(), email: email.trim(), role };
      return attempt(call("POST /api/admin/users", { body }), { changes: [adminKeys.users] });
    },
  });
  if (create.data) {
    return (
      <LinkDialog
        title={t("admin.users.created", { name: create.data.user.username })}
        link={create.data.link}
        close={close}
      >
        {t("admin.users.passwordText", { password: create.data.password })}
      </LinkDialog>
    );
  }
  const param = create.error instanceof ApiError ? create.error.param : null;
  const isNameAtFault = param === "username";
  const isEmailAtFault = param === "email";
  const error = create.isError ? textOf(create.error) : null;
  return (
    <FormDialog
      title={t("admin.users.create")}
      action={t("admin.users.createAction")}
      error={isNameAtFault || isEmailAtFault ? null : error}
      isBusy={create.isPending}
      isReady={username.trim().length > 1}
      submit={() => create.mutate()}
      close={close}
    >
      <TextField
        autoFocus
        label={t("auth.username")}
        value={username}
        onChange={(event) => setUsername(event.target.value)}
        error={isNameAtFault}
        helperText={isNameAtFault ? error : t("admin.users.usernameHint")}
        autoComplete="off"
        sx={{ mt: 1 }}
        slotProps={{ htmlInput: { autoCapitalize: "none", spellCheck: false, maxLength: 64 } }}
      />
      <TextField
        label={t("profile.displayName")}
        value={displayName}
        onChange={(event) => setDisplayName(event.target.value)}
        autoComplete="off"
        slotProps={{ htmlInput: { maxLength: 100 } }}
      />
      <TextField
        label={t("door.email")}
        value={email}
        onChange={(event) => setEmail(event.target.value)}
        error={isEmailAtFault}
        helperText={isEmailAtFault ? error : undefined}
        autoComplete="off"
        slotProps={{ htmlInput: { autoCapitalize: "none", spellCheck: false, maxLength: 254, inputMode: "email" } }}
      />
      <Select
        label={t("admin.users.role")}
        value={role}
        options={[
          { value: "user", label: t("admin.roles.user") },
          { value: "admin", label: t("admin.roles.admin") },
        ]}
        onValue={setRole}
      />
    </FormDialog>
  );
}
