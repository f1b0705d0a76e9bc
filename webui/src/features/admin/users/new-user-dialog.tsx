/** An account that an admin makes for somebody: the first password is shown once. */
import TextField from "@mui/material/TextField";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { ManagedUser } from "@/api/types.gen";
import { SecretDialog } from "@/ui/secret-dialog";
import { Select } from "@/ui/select";
import { useErrorText } from "@/ui/use-error-text";
import { adminKeys } from "../admin-keys";
import { FormDialog } from "../parts/form-dialog";
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
  const [role, setRole] = useState<Role>("user");
  const create = useMutation({
    mutationFn: () => {
      const body = { username, display_name: displayName.trim(), role };
      return attempt(call("POST /api/admin/users", { body }), { changes: [adminKeys.users] });
    },
  });
  if (create.data) {
    return (
      <SecretDialog
        title={t("admin.users.created", { name: create.data.user.username })}
        label={t("auth.password")}
        secret={create.data.password}
        close={close}
      >
        {t("admin.users.passwordText")}
      </SecretDialog>
    );
  }
  const isNameAtFault = create.error instanceof ApiError && create.error.param === "username";
  const error = create.isError ? textOf(create.error) : null;
  return (
    <FormDialog
      title={t("admin.users.create")}
      action={t("admin.users.createAction")}
      error={isNameAtFault ? null : error}
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
