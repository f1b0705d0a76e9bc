/** The email that signs in like the name; nobody else sees it but admins. */
import Button from "@mui/material/Button";
import Stack from "@mui/material/Stack";
import TextField from "@mui/material/TextField";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import type { UserView } from "@/api/types.gen";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";

interface Props {
  user: UserView;
}

export function EmailForm({ user }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const textOf = useErrorText();
  const { show } = useNotices();
  const [email, setEmail] = useState(user.email ?? "");
  const save = useMutation({
    mutationFn: () => call("PATCH /api/profile", { body: { email: email.trim() } }),
    onSuccess: () => {
      show({ text: t("common.saved") });
      return queries.invalidateQueries({ queryKey: keys.me });
    },
  });
  return (
    <Stack
      component="form"
      direction="row"
      spacing={1.5}
      sx={{ alignItems: "flex-start", maxWidth: 440 }}
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <TextField
        fullWidth
        label={t("door.email")}
        error={save.isError}
        helperText={save.isError ? textOf(save.error) : t("door.emailHint")}
        value={email}
        onChange={(event) => setEmail(event.target.value)}
        autoComplete="email"
        slotProps={{ htmlInput: { maxLength: 254, inputMode: "email", autoCapitalize: "none", spellCheck: false } }}
      />
      <Button
        type="submit"
        variant="outlined"
        loading={save.isPending}
        disabled={email.trim() === (user.email ?? "")}
        sx={{ flexShrink: 0 }}
      >
        {t("common.save")}
      </Button>
    </Stack>
  );
}
