/** The fields of a chat's settings, of one that is there or is yet to begin. */
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/errors";
import type { ConfigBody, ConfigView } from "@/api/types.gen";
import { useErrorText } from "@/ui/use-error-text";
import { useFormat } from "@/ui/use-format";
import { formOf, NUMBERS, type NumberName, withForm } from "./chat-settings-values";
import { useSamplingDefaults } from "./use-sampling-defaults";

const OVERFLOWS = ["drop_oldest", "error"] as const;

interface Props {
  config: ConfigView;
  /** Whose numbers stand where the settings have none. */
  model: string | undefined;
  /** Rejects with ApiError. */
  save: (config: ConfigBody) => Promise<unknown>;
  close: () => void;
  /** A further field. */
  children?: ReactNode;
}

export function ChatSettingsForm({ config, model, save: keep, close, children }: Props) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const format = useFormat();
  const own = useSamplingDefaults(model);
  const [form, setForm] = useState(() => formOf(config));
  const save = useMutation({ mutationFn: () => keep(withForm(config, form)), onSuccess: close });
  const faultAt = (name: string) => save.error instanceof ApiError && save.error.param === name;
  const isElsewhere = save.isError && !["system_prompt", ...NUMBERS.map(({ name }) => name)].some(faultAt);
  const helpOf = ({ name, min, max, step }: (typeof NUMBERS)[number]) => {
    if (!faultAt(name)) return t(`chat.settings.help.${name}`);
    const range = { min: format.number(min), max: format.number(max) };
    return step === 1 ? t("chat.settings.integerBetween", range) : t("chat.settings.numberBetween", range);
  };
  const placeholderOf = (name: NumberName) => {
    if (name === "max_tokens") return t("chat.settings.noLimit");
    if (name === "seed") return t("chat.settings.random");
    return own === undefined ? "" : String(own[name]); // as the field takes it
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit} noValidate>
      <DialogContent sx={{ display: "grid", gap: 2.5, gridTemplateColumns: { sm: "1fr 1fr" }, pt: "6px !important" }}>
        {isElsewhere && (
          <Alert severity="error" sx={{ gridColumn: "1 / -1" }}>
            {textOf(save.error)}
          </Alert>
        )}
        <TextField
          multiline
          minRows={3}
          maxRows={10}
          label={t("chat.settings.systemPrompt")}
          placeholder={t("chat.settings.systemPromptHint")}
          value={form.system_prompt}
          onChange={(event) => setForm({ ...form, system_prompt: event.target.value })}
          error={faultAt("system_prompt")}
          helperText={faultAt("system_prompt") && textOf(save.error)}
          slotProps={{ htmlInput: { dir: "auto" } }}
          sx={{ gridColumn: "1 / -1" }}
        />
        {NUMBERS.map((number) => {
          const { name, min, max, step } = number;
          return (
            <TextField
              key={name}
              type="number"
              label={t(`chat.settings.numbers.${name}`)}
              placeholder={placeholderOf(name)}
              value={form[name]}
              onChange={(event) => setForm({ ...form, [name]: event.target.value })}
              error={faultAt(name)}
              helperText={helpOf(number)}
              slotProps={{ htmlInput: { min, max, step }, inputLabel: { shrink: true } }}
            />
          );
        })}
        <TextField
          select
          label={t("chat.settings.overflow")}
          value={form.context_overflow}
          onChange={(event) => setForm({ ...form, context_overflow: event.target.value as (typeof OVERFLOWS)[number] })}
        >
          {OVERFLOWS.map((each) => (
            <MenuItem key={each} value={each}>
              {t(`chat.overflow.${each}`)}
            </MenuItem>
          ))}
        </TextField>
        {children}
      </DialogContent>
      <DialogActions>
        <Button onClick={close}>{t("common.cancel")}</Button>
        <Button type="submit" variant="contained" loading={save.isPending}>
          {t("common.save")}
        </Button>
      </DialogActions>
    </form>
  );
}
