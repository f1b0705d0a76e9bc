/** Into which folder some chats go: one that is there, a new one, or none. */
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import MenuItem from "@mui/material/MenuItem";
import MenuList from "@mui/material/MenuList";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { SessionView } from "@/api/types.gen";
import { useFolders } from "@/api/use-folders";
import { useBulkActions } from "./use-bulk-actions";

const MAX_NAME = 100;

interface Props {
  sessions: readonly SessionView[];
  close: () => void;
  done?: () => void;
}

export function FolderDialog({ sessions, close, done }: Props) {
  const { t } = useTranslation();
  const { file } = useBulkActions();
  const folders = useFolders(true).data ?? [];
  const [name, setName] = useState("");
  const wanted = name.normalize("NFC").trim();
  const move = async (folder: string) => {
    close();
    if (await file(sessions, folder)) done?.();
  };
  return (
    <Dialog open onClose={close} fullWidth maxWidth="xs" aria-labelledby="folder-dialog">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (wanted) move(wanted);
        }}
      >
        <DialogTitle id="folder-dialog">{t("folders.move")}</DialogTitle>
        <DialogContent>
          <MenuList aria-label={t("folders.title")} sx={{ mx: -1.5, maxHeight: "40vh", overflowY: "auto" }}>
            {folders.map((folder) => (
              <MenuItem key={folder.name} onClick={() => move(folder.name)}>
                <span className="ellipsis" dir="auto">
                  {folder.name}
                </span>
              </MenuItem>
            ))}
            {sessions.some((session) => session.folder) && (
              <MenuItem onClick={() => move("")}>{t("folders.none")}</MenuItem>
            )}
          </MenuList>
          <TextField
            fullWidth
            autoFocus
            label={t("folders.new")}
            value={name}
            onChange={(event) => setName(event.target.value)}
            autoComplete="off"
            sx={{ mt: 1 }}
            slotProps={{ htmlInput: { maxLength: MAX_NAME, dir: "auto" } }}
          />
        </DialogContent>
        <DialogActions>
          <Button color="inherit" onClick={close}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" variant="contained" disabled={!wanted}>
            {t("folders.moveThere")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
