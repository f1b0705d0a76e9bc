/** What one chat asks of the model: its system prompt and how freely it writes. Empty: the model's own numbers. */
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { configQuery } from "@/api/chat-queries";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import type { ConfigBody } from "@/api/types.gen";
import { Loading } from "@/ui/loading";
import { useErrorText } from "@/ui/use-error-text";
import { ChatSettingsForm } from "./chat-settings-form";

interface Props {
  sessionId: string;
  /** Which answers. */
  model: string | undefined;
  close: () => void;
}

export function ChatSettingsDialog({ sessionId, model, close }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const textOf = useErrorText();
  // What is saved replaces all of it: it must be what the server has.
  const config = useQuery({ ...configQuery(sessionId), staleTime: 0 });
  const save = async (body: ConfigBody) => {
    const saved = await call("PUT /api/sessions/{session_id}/config", { path: { session_id: sessionId }, body });
    queries.setQueryData(keys.config(sessionId), saved);
    queries.invalidateQueries({ queryKey: keys.session(sessionId) }); // what it costs is another now
  };
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
        <ChatSettingsForm config={config.data} model={model} save={save} close={close} />
      )}
    </Dialog>
  );
}
