/** A text that goes with a message, or waits to be sent: to be read and changed. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { plainField } from "@/ui/plain-field";

interface Props {
  title: string;
  text: string;
  save: (text: string) => void;
  close: () => void;
}

export function TextDialog({ title, text, save, close }: Props) {
  const { t } = useTranslation();
  const titleId = useId();
  const [value, setValue] = useState(text);
  return (
    <Dialog open onClose={close} fullWidth maxWidth="md" aria-labelledby={titleId}>
      <DialogTitle id={titleId} sx={{ overflowWrap: "anywhere" }}>
        {title}
      </DialogTitle>
      <DialogContent>
        <Box
          component="textarea"
          autoFocus
          dir="auto"
          aria-labelledby={titleId}
          value={value}
          onChange={(event) => setValue(event.target.value)}
          sx={{ ...plainField, display: "block", height: "50vh", resize: "none", lineHeight: 1.6 }}
        />
      </DialogContent>
      <DialogActions>
        <Button onClick={close}>{t("common.cancel")}</Button>
        <Button
          variant="contained"
          disabled={value.trim() === "" || value === text}
          onClick={() => {
            save(value);
            close();
          }}
        >
          {t("common.save")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
