/** Another password; every other place where one is signed in is signed out by it. */
import Button from "@mui/material/Button";
import Stack from "@mui/material/Stack";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { ApiError } from "@/api/errors";
import { keys } from "@/api/keys";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";

export function PasswordForm() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const textOf = useErrorText();
  const { show } = useNotices();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const change = useMutation({
    mutationFn: () => call("POST /api/auth/password", { body: { current_password: current, new_password: next } }),
    onSuccess: () => {
      setCurrent("");
      setNext("");
      show({ text: t("profile.passwordChanged") });
      return queries.invalidateQueries({ queryKey: keys.logins });
    },
  });
  const param = change.error instanceof ApiError ? change.error.param : null;
  const isNewAtFault = change.isError && param === "new_password";
  const isCurrentAtFault = change.isError && !isNewAtFault;
  return (
    <Stack
      component="form"
      spacing={2}
      sx={{ maxWidth: 320 }}
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate();
      }}
    >
      <Typography variant="h2">{t("profile.password")}</Typography>
      <TextField
        type="password"
        label={t("profile.currentPassword")}
        value={current}
        onChange={(event) => setCurrent(event.target.value)}
        error={isCurrentAtFault}
        helperText={isCurrentAtFault ? textOf(change.error) : undefined}
        autoComplete="current-password"
      />
      <TextField
        type="password"
        label={t("profile.newPassword")}
        value={next}
        onChange={(event) => setNext(event.target.value)}
        error={isNewAtFault}
        helperText={isNewAtFault ? textOf(change.error) : t("door.passwordHint")}
        autoComplete="new-password"
      />
      <Button
        type="submit"
        variant="outlined"
        loading={change.isPending}
        disabled={!current || !next}
        sx={{ alignSelf: "flex-start" }}
      >
        {t("profile.changePassword")}
      </Button>
    </Stack>
  );
}
