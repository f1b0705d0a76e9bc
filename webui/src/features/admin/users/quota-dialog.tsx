/** How much an account may store: the server's own measure, or one of its own. */
import TextField from "@mui/material/TextField";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import type { ManagedUser } from "@/api/types.gen";
import { useErrorText } from "@/ui/use-error-text";
import { adminKeys } from "../admin-keys";
import { FormDialog } from "../parts/form-dialog";
import { useAction } from "../parts/use-action";
import { megabytesOf } from "./quota";

const MB = 1_000_000;

interface Props {
  user: ManagedUser;
  close: () => void;
}

export function QuotaDialog({ user, close }: Props) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const { attempt } = useAction();
  const [typed, setTyped] = useState(user.quota_bytes === null ? "" : String(user.quota_bytes / MB));
  const wanted = megabytesOf(typed);
  const save = useMutation({
    mutationFn: () => {
      const path = { user_id: user.user_id };
      const body = { quota_bytes: wanted === null || wanted === "wrong" ? null : Math.round(wanted * MB) };
      return attempt(call("PUT /api/admin/users/{user_id}/quota", { path, body }), {
        said: t("admin.users.changed", { name: user.username }),
        changes: [adminKeys.users, adminKeys.storage],
      });
    },
    onSuccess: close,
  });
  return (
    <FormDialog
      title={t("admin.users.quotaTitle", { name: user.username })}
      action={t("common.save")}
      error={save.isError ? textOf(save.error) : null}
      isBusy={save.isPending}
      isReady={wanted !== "wrong"}
      submit={() => save.mutate()}
      close={close}
    >
      <TextField
        autoFocus
        label={t("admin.users.quotaMB")}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        error={wanted === "wrong"}
        helperText={t(wanted === "wrong" ? "admin.users.quotaWrong" : "admin.users.quotaHint")}
        autoComplete="off"
        sx={{ mt: 1 }}
        slotProps={{ htmlInput: { inputMode: "decimal" } }}
      />
    </FormDialog>
  );
}
