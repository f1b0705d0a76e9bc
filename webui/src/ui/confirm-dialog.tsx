/**
 * Asks before something that cannot be taken back. Stays open, and says why, when it fails.
 *
 * With `word` it is done only after that was typed: for what would hurt most.
 */
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { useErrorText } from "./use-error-text";

interface Props {
  title: string;
  children?: ReactNode;
  /** What the button does, as a verb. */
  action: string;
  isHarmless?: boolean;
  word?: string;
  run: () => Promise<unknown>;
  close: () => void;
  /** When it is done; without this the dialog closes. */
  done?: () => void;
}

export function ConfirmDialog({ title, children, action, isHarmless = false, word, run, close, done = close }: Props) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const titleId = useId();
  const [typed, setTyped] = useState("");
  const doing = useMutation({ mutationFn: run, onSuccess: done });
  const isReady = word === undefined || typed.normalize("NFC").trim() === word.normalize("NFC");
  return (
    <Dialog open onClose={close} aria-labelledby={titleId} maxWidth="xs" fullWidth>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !doing.isPending) doing.mutate();
        }}
      >
        <DialogTitle id={titleId}>{title}</DialogTitle>
        <DialogContent sx={{ display: "grid", gap: 2 }}>
          {children && <Typography>{children}</Typography>}
          {word !== undefined && (
            <TextField
              autoFocus
              label={t("confirm.type", { word })}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
              autoComplete="off"
              sx={{ mt: 1 }}
              slotProps={{ htmlInput: { autoCapitalize: "none", spellCheck: false } }}
            />
          )}
          {doing.isError && <Alert severity="error">{textOf(doing.error)}</Alert>}
        </DialogContent>
        <DialogActions>
          <Button color="inherit" onClick={close} autoFocus={word === undefined}>
            {t("common.cancel")}
          </Button>
          <Button
            type="submit"
            variant="contained"
            color={isHarmless ? "primary" : "error"}
            loading={doing.isPending}
            disabled={!isReady}
          >
            {action}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
