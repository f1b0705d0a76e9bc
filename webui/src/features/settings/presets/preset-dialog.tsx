/** A preset: its name, its text, and what a new chat that begins with it is told. */
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Preset, usePresets, useSavePresets } from "@/api/presets";
import { useErrorText } from "@/ui/use-error-text";

interface Props {
  /** null: a new one. */
  preset: Preset | null;
  close: () => void;
}

export function PresetDialog({ preset, close }: Props) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const presets = usePresets();
  const save = useSavePresets();
  const [form, setForm] = useState<Preset>(preset ?? { name: "", text: "", systemPrompt: "" });
  const name = form.name.normalize("NFC").trim().replace(/\s+/g, "-"); // a command has no spaces
  const isTaken = presets.some((each) => each.name === name && each.name !== preset?.name);
  const isReady = name !== "" && form.text.trim() !== "" && !isTaken;
  const submit = () => {
    const changed = { ...form, name };
    const next = preset ? presets.map((each) => (each.name === preset.name ? changed : each)) : [...presets, changed];
    save.mutate(next, { onSuccess: close });
  };
  return (
    <Dialog open onClose={close} fullWidth maxWidth="sm" aria-labelledby="preset">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !save.isPending) submit();
        }}
      >
        <DialogTitle id="preset">{preset ? t("presets.edit", { name: preset.name }) : t("presets.new")}</DialogTitle>
        <DialogContent sx={{ display: "grid", gap: 2, pt: "6px !important" }}>
          {save.isError && <Alert severity="error">{textOf(save.error)}</Alert>}
          <TextField
            autoFocus
            label={t("presets.name")}
            value={form.name}
            onChange={(event) => setForm({ ...form, name: event.target.value })}
            error={isTaken}
            helperText={isTaken ? t("presets.taken") : t("presets.nameHint")}
            autoComplete="off"
            slotProps={{ htmlInput: { maxLength: 40, dir: "auto" } }}
          />
          <TextField
            multiline
            minRows={3}
            maxRows={10}
            label={t("presets.message")}
            value={form.text}
            onChange={(event) => setForm({ ...form, text: event.target.value })}
            slotProps={{ htmlInput: { maxLength: 4000, dir: "auto" } }}
          />
          <TextField
            multiline
            minRows={2}
            maxRows={8}
            label={t("presets.systemPrompt")}
            helperText={t("presets.systemPromptHint")}
            value={form.systemPrompt}
            onChange={(event) => setForm({ ...form, systemPrompt: event.target.value })}
            slotProps={{ htmlInput: { maxLength: 4000, dir: "auto" } }}
          />
        </DialogContent>
        <DialogActions>
          <Button color="inherit" onClick={close}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" variant="contained" loading={save.isPending} disabled={!isReady}>
            {t("common.save")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
