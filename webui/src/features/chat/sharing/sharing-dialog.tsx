/** Who else may see a chat: people who are invited by name, and whoever has one of its links. */
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import Divider from "@mui/material/Divider";
import { useTranslation } from "react-i18next";
import { Links } from "./links";
import { Members } from "./members";

interface Props {
  sessionId: string;
  close: () => void;
}

export function SharingDialog({ sessionId, close }: Props) {
  const { t } = useTranslation();
  return (
    <Dialog open onClose={close} fullWidth maxWidth="sm" aria-labelledby="sharing">
      <DialogTitle id="sharing">{t("chat.share")}</DialogTitle>
      <DialogContent>
        <Members sessionId={sessionId} />
        <Divider sx={{ my: 3 }} />
        <Links sessionId={sessionId} />
      </DialogContent>
      <DialogActions>
        <Button onClick={close}>{t("common.close")}</Button>
      </DialogActions>
    </Dialog>
  );
}
