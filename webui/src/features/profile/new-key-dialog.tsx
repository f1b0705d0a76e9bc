/** A new API key: its name, what it may, until when; then the key itself, once. */
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import FormControl from "@mui/material/FormControl";
import FormControlLabel from "@mui/material/FormControlLabel";
import FormLabel from "@mui/material/FormLabel";
import TextField from "@mui/material/TextField";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import type { KeyView } from "@/api/types.gen";
import { useMe } from "@/api/use-me";
import { SecretDialog } from "@/ui/secret-dialog";
import { Select } from "@/ui/select";
import { useErrorText } from "@/ui/use-error-text";

type Scope = KeyView["scopes"][number];

const SCOPES = ["chat", "sessions", "admin"] as const satisfies readonly Scope[];
const LIFETIMES = ["30", "90", "365", "never"] as const;
type Lifetime = (typeof LIFETIMES)[number];

interface Props {
  close: () => void;
}

export function NewKeyDialog({ close }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const textOf = useErrorText();
  const isAdmin = useMe().data?.user?.role === "admin";
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<readonly Scope[]>(["chat"]);
  const [lifetime, setLifetime] = useState<Lifetime>("90");
  const [isBulk, setBulk] = useState(false);
  const make = useMutation({
    mutationFn: () => {
      const days = lifetime === "never" ? null : Number(lifetime);
      const body = { name: name.trim(), scopes: [...scopes], expires_in_days: days, is_bulk: isBulk };
      return call("POST /api/keys", { body });
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.apiKeys }),
  });
  if (make.data) {
    return (
      <SecretDialog title={t("keys.made")} label={t("keys.key")} secret={make.data.key} close={close}>
        {t("keys.madeText")}
      </SecretDialog>
    );
  }
  const toggle = (scope: Scope) =>
    setScopes(scopes.includes(scope) ? scopes.filter((each) => each !== scope) : [...scopes, scope]);
  const isReady = name.trim() !== "" && scopes.length > 0;
  return (
    <Dialog open onClose={close} aria-labelledby="new-key" maxWidth="xs" fullWidth>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !make.isPending) make.mutate();
        }}
      >
        <DialogTitle id="new-key">{t("keys.make")}</DialogTitle>
        <DialogContent sx={{ display: "grid", gap: 2 }}>
          {make.isError && <Alert severity="error">{textOf(make.error)}</Alert>}
          <TextField
            autoFocus
            label={t("keys.name")}
            helperText={t("keys.nameHint")}
            value={name}
            onChange={(event) => setName(event.target.value)}
            autoComplete="off"
            sx={{ mt: 1 }}
            slotProps={{ htmlInput: { maxLength: 100 } }}
          />
          <FormControl component="fieldset">
            <FormLabel component="legend">{t("keys.scopes")}</FormLabel>
            {SCOPES.filter((scope) => scope !== "admin" || isAdmin).map((scope) => (
              <FormControlLabel
                key={scope}
                control={<Checkbox size="small" checked={scopes.includes(scope)} onChange={() => toggle(scope)} />}
                label={t(`keys.scopeTexts.${scope}`)}
              />
            ))}
          </FormControl>
          <Select
            label={t("keys.valid")}
            value={lifetime}
            options={LIFETIMES.map((each) => ({
              value: each,
              label: each === "never" ? t("keys.forEver") : t("keys.days", { count: Number(each) }),
            }))}
            onValue={setLifetime}
          />
          <FormControlLabel
            control={<Checkbox size="small" checked={isBulk} onChange={(event) => setBulk(event.target.checked)} />}
            label={t("keys.bulkText")}
          />
        </DialogContent>
        <DialogActions>
          <Button color="inherit" onClick={close}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" variant="contained" loading={make.isPending} disabled={!isReady}>
            {t("keys.make")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
