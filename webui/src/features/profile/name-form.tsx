/** The name that others see. */
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

export function NameForm({ user }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const textOf = useErrorText();
  const { show } = useNotices();
  const [name, setName] = useState(user.display_name);
  const save = useMutation({
    mutationFn: () => call("PATCH /api/profile", { body: { display_name: name.trim() } }),
    onSuccess: () => {
      show({ text: t("common.saved") });
      return queries.invalidateQueries({ queryKey: keys.me });
    },
    onError: (error) => show({ text: textOf(error) }),
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
        label={t("profile.displayName")}
        helperText={t("profile.username", { name: user.username })}
        value={name}
        onChange={(event) => setName(event.target.value)}
        autoComplete="name"
        slotProps={{ htmlInput: { maxLength: 100, dir: "auto" } }}
      />
      <Button
        type="submit"
        variant="outlined"
        loading={save.isPending}
        disabled={name.trim() === user.display_name}
        sx={{ flexShrink: 0 }}
      >
        {t("common.save")}
      </Button>
    </Stack>
  );
}
