/** A few fields and what to do with them. What is wrong with them as a whole is said above; a field says its own. */
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import Typography from "@mui/material/Typography";
import { type ReactNode, useId } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  title: string;
  text?: string;
  action: string;
  error?: string | null;
  isBusy: boolean;
  isReady?: boolean;
  submit: () => void;
  close: () => void;
  children: ReactNode;
}

export function FormDialog({
  title,
  text,
  action,
  error = null,
  isBusy,
  isReady = true,
  submit,
  close,
  children,
}: Props) {
  const { t } = useTranslation();
  const titleId = useId();
  return (
    <Dialog open onClose={close} aria-labelledby={titleId} maxWidth="xs" fullWidth>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !isBusy) submit();
        }}
      >
        <DialogTitle id={titleId}>{title}</DialogTitle>
        <DialogContent sx={{ display: "grid", gap: 2 }}>
          {text && <Typography>{text}</Typography>}
          {error && <Alert severity="error">{error}</Alert>}
          {children}
        </DialogContent>
        <DialogActions>
          <Button color="inherit" onClick={close}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" variant="contained" loading={isBusy} disabled={!isReady}>
            {action}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
