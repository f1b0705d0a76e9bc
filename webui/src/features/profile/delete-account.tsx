/** The end of one's own account: with the password, after what goes with it was said. */
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { ApiError } from "@/api/errors";
import { addressOf } from "@/lib/place";
import { useErrorText } from "@/ui/use-error-text";

interface Props {
  /** Called when it is done, before the page is left. */
  gone: () => void;
}

export function DeleteAccount({ gone }: Props) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const [isAsking, setAsking] = useState(false);
  const [password, setPassword] = useState("");
  const ending = useMutation({
    mutationFn: () => call("POST /api/profile/delete", { body: { current_password: password } }),
    onSuccess: () => {
      gone();
      location.assign(addressOf("/login")); // and nothing of this account stays in memory
    },
  });
  const close = () => {
    setAsking(false);
    setPassword("");
    ending.reset();
  };
  const isLastAdmin = ending.error instanceof ApiError && ending.error.code === "only_admin";
  return (
    <>
      <Typography variant="h2" sx={{ mb: 1 }}>
        {t("profile.delete")}
      </Typography>
      <Typography color="textSecondary" sx={{ mb: 2 }}>
        {t("profile.deleteText")}
      </Typography>
      <Button variant="outlined" color="error" onClick={() => setAsking(true)}>
        {t("profile.deleteAction")}
      </Button>
      {isAsking && (
        <Dialog open onClose={close} aria-labelledby="delete-account" maxWidth="xs" fullWidth>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              if (password && !ending.isPending) ending.mutate();
            }}
          >
            <DialogTitle id="delete-account">{t("profile.deleteTitle")}</DialogTitle>
            <DialogContent sx={{ display: "grid", gap: 2 }}>
              <Typography>{t("profile.deleteWarning")}</Typography>
              <TextField
                autoFocus
                type="password"
                label={t("profile.currentPassword")}
                value={password}
                onChange={(event) => setPassword(event.target.value)}
                autoComplete="current-password"
                sx={{ mt: 1 }}
              />
              {ending.isError && (
                <Alert severity="error">{isLastAdmin ? t("profile.lastAdmin") : textOf(ending.error)}</Alert>
              )}
            </DialogContent>
            <DialogActions>
              <Button color="inherit" onClick={close}>
                {t("common.cancel")}
              </Button>
              <Button type="submit" variant="contained" color="error" loading={ending.isPending} disabled={!password}>
                {t("profile.deleteAction")}
              </Button>
            </DialogActions>
          </form>
        </Dialog>
      )}
    </>
  );
}
