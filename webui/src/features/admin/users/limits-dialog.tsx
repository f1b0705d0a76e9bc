/** What an account may ask of the models: the server's own measure, or one of its own. */
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
import { LIMIT_NAMES, LIMITS, type LimitName, limitOf } from "./limits";

interface Props {
  user: ManagedUser;
  close: () => void;
}

export function LimitsDialog({ user, close }: Props) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const { attempt } = useAction();
  const [typed, setTyped] = useState(() => each((name) => String(user[name] ?? "")));
  const wanted = each((name) => limitOf(typed[name], LIMITS[name].most));
  const save = useMutation({
    mutationFn: () => {
      const body = each((name) => (wanted[name] === "wrong" ? null : wanted[name]));
      return attempt(call("PUT /api/admin/users/{user_id}/limits", { path: { user_id: user.user_id }, body }), {
        said: t("admin.users.changed", { name: user.username }),
        changes: [adminKeys.users, adminKeys.loads],
      });
    },
    onSuccess: close,
  });
  return (
    <FormDialog
      title={t("admin.limits.titleOf", { name: user.username })}
      text={t("admin.limits.hint")}
      action={t("common.save")}
      error={save.isError ? textOf(save.error) : null}
      isBusy={save.isPending}
      isReady={LIMIT_NAMES.every((name) => wanted[name] !== "wrong")}
      submit={() => save.mutate()}
      close={close}
    >
      {LIMIT_NAMES.map((name) => (
        <TextField
          key={name}
          autoFocus={name === LIMIT_NAMES[0]}
          label={t(LIMITS[name].label)}
          value={typed[name]}
          onChange={(event) => setTyped({ ...typed, [name]: event.target.value })}
          error={wanted[name] === "wrong"}
          helperText={wanted[name] === "wrong" ? t("admin.limits.wrong") : undefined}
          autoComplete="off"
          sx={{ mt: 1 }}
          slotProps={{ htmlInput: { inputMode: "numeric" } }}
        />
      ))}
    </FormDialog>
  );
}

function each<Value>(of: (name: LimitName) => Value): Record<LimitName, Value> {
  return {
    max_running: of("max_running"),
    max_queued: of("max_queued"),
    tokens_per_minute: of("tokens_per_minute"),
  };
}
