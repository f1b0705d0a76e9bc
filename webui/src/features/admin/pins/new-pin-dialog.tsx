/** A system prompt to be pinned: in one model that is loaded, or in all that chat. */
import TextField from "@mui/material/TextField";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { useModels } from "@/api/use-models";
import { Select } from "@/ui/select";
import { useErrorText } from "@/ui/use-error-text";
import { adminKeys } from "../admin-keys";
import { FormDialog } from "../parts/form-dialog";
import { useAction } from "../parts/use-action";

const EVERY = "";
const MAX_TITLE_CHARS = 100;
const MAX_PROMPT_CHARS = 100_000; // a chat's own bound

interface Props {
  close: () => void;
}

export function NewPinDialog({ close }: Props) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const { attempt } = useAction();
  const [title, setTitle] = useState("");
  const [prompt, setPrompt] = useState("");
  const [model, setModel] = useState(EVERY);
  const models = useModels().data?.data ?? [];
  const create = useMutation({
    mutationFn: () => {
      const body = { title: title.trim(), system_prompt: prompt, model: model === EVERY ? null : model };
      return attempt(call("POST /api/admin/pins", { body }), {
        said: t("admin.pins.made", { name: body.title }),
        changes: [adminKeys.pins],
      });
    },
    onSuccess: close,
  });
  return (
    <FormDialog
      title={t("admin.pins.make")}
      action={t("admin.pins.make")}
      error={create.isError ? textOf(create.error) : null}
      isBusy={create.isPending}
      isReady={title.trim() !== "" && prompt.trim() !== ""}
      submit={() => create.mutate()}
      close={close}
    >
      <TextField
        autoFocus
        label={t("admin.pins.name")}
        value={title}
        onChange={(event) => setTitle(event.target.value)}
        autoComplete="off"
        sx={{ mt: 1 }}
        slotProps={{ htmlInput: { maxLength: MAX_TITLE_CHARS } }}
      />
      <TextField
        multiline
        minRows={3}
        maxRows={12}
        label={t("admin.pins.prompt")}
        value={prompt}
        onChange={(event) => setPrompt(event.target.value)}
        helperText={t("admin.pins.promptHint")}
        slotProps={{ htmlInput: { maxLength: MAX_PROMPT_CHARS } }}
      />
      <Select
        label={t("admin.model")}
        value={model}
        options={[
          { value: EVERY, label: t("admin.pins.everyModel") },
          ...models.map(({ id }) => ({ value: id, label: id })),
        ]}
        onValue={setModel}
      />
    </FormDialog>
  );
}
