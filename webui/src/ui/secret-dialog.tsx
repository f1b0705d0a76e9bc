/** Shows what is shown once: a key, a code, a password. Closes by its button alone, not by a click beside it. */
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { type ReactNode, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { copyText } from "@/lib/clipboard";

interface Props {
  title: string;
  label: string;
  secret: string;
  children?: ReactNode;
  /** The same as a picture. */
  picture?: ReactNode;
  close: () => void;
}

export function SecretDialog({ title, label, secret, children, picture, close }: Props) {
  const { t } = useTranslation();
  const titleId = useId();
  const [isCopied, setCopied] = useState<boolean | null>(null);
  const copy = async () => setCopied(await copyText(secret));
  return (
    <Dialog open aria-labelledby={titleId} maxWidth="sm" fullWidth>
      <DialogTitle id={titleId}>{title}</DialogTitle>
      <DialogContent sx={{ display: "grid", gap: 2 }}>
        {children && <Typography>{children}</Typography>}
        <TextField
          label={label}
          value={secret}
          multiline
          sx={{ mt: 1 }}
          onFocus={(event) => event.target.select()}
          slotProps={{ htmlInput: { readOnly: true, sx: { fontFamily: "var(--bd-mono)", wordBreak: "break-all" } } }}
        />
        {picture}
        <Typography variant="body2" color="textSecondary">
          {t("secret.once")}
        </Typography>
        <Typography role="status" variant="body2" sx={{ minHeight: "1.5em" }}>
          {isCopied !== null && t(isCopied ? "secret.copied" : "secret.notCopied")}
        </Typography>
      </DialogContent>
      <DialogActions>
        <Button onClick={copy} variant="contained" autoFocus>
          {t("secret.copy")}
        </Button>
        <Button color="inherit" onClick={close}>
          {t("secret.done")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
