/** What one chat asks of the model: its system prompt and how freely it writes. Empty: the model's own numbers. */
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import { Loading } from "@/ui/loading";
import { useErrorText } from "@/ui/use-error-text";
import { ChatSettingsForm } from "./chat-settings-form";

interface Props {
  sessionId: string;
  close: () => void;
}

export function ChatSettingsDialog({ sessionId, close }: Props) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const config = useQuery({
    queryKey: keys.config(sessionId),
    queryFn: ({ signal }) => call("GET /api/sessions/{session_id}/config", { path: { session_id: sessionId }, signal }),
    staleTime: 0, // what is saved replaces all of it: it must be what the server has
  });
  return (
    <Dialog open onClose={close} fullWidth maxWidth="sm" aria-labelledby="chat-settings">
      <DialogTitle id="chat-settings">{t("chat.settings.title")}</DialogTitle>
      {config.isFetching && <Loading />}
      {config.isError && !config.isFetching && (
        <>
          <DialogContent>
            <Alert severity="error">{textOf(config.error)}</Alert>
          </DialogContent>
          <DialogActions>
            <Button onClick={close}>{t("common.close")}</Button>
          </DialogActions>
        </>
      )}
      {config.isSuccess && !config.isFetching && (
        <ChatSettingsForm sessionId={sessionId} config={config.data} close={close} />
      )}
    </Dialog>
  );
}
