/** Fetching a model that is not in the catalog, by where it is. */
import Button from "@mui/material/Button";
import Stack from "@mui/material/Stack";
import TextField from "@mui/material/TextField";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useErrorText } from "@/ui/use-error-text";
import { usePull } from "./use-pulls";

export function PullForm() {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const pull = usePull();
  const [source, setSource] = useState("");
  const begin = useMutation({ mutationFn: () => pull(source.trim()), onSuccess: () => setSource("") });
  return (
    <Stack
      component="form"
      direction={{ xs: "column", sm: "row" }}
      spacing={1.5}
      sx={{ alignItems: "flex-start", maxWidth: 640 }}
      onSubmit={(event) => {
        event.preventDefault();
        begin.mutate();
      }}
    >
      <TextField
        fullWidth
        label={t("admin.models.source")}
        placeholder="hf:OWNER/REPO/FILE.gguf"
        value={source}
        onChange={(event) => setSource(event.target.value)}
        error={begin.isError}
        helperText={begin.isError ? textOf(begin.error) : undefined}
        autoComplete="off"
        slotProps={{ htmlInput: { maxLength: 300, autoCapitalize: "none", spellCheck: false } }}
      />
      <Button
        type="submit"
        variant="outlined"
        loading={begin.isPending}
        disabled={!source.trim()}
        sx={{ flexShrink: 0 }}
      >
        {t("admin.models.pull")}
      </Button>
    </Stack>
  );
}
