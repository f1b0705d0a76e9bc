/** What a chat that has not begun will ask of the model, and the folder that it will lie in: kept with its draft. */
import Dialog from "@mui/material/Dialog";
import DialogTitle from "@mui/material/DialogTitle";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ConfigBody, ConfigView } from "@/api/types.gen";
import { useFolders } from "@/api/use-folders";
import type { DraftParts } from "../drafts";
import { ChatSettingsForm } from "./chat-settings-form";
import { faultIn } from "./chat-settings-values";

type Settings = NonNullable<DraftParts["settings"]>;

const FOLDERS = "new-chat-folders";
const MAX_FOLDER_CHARACTERS = 100; // MAX_FOLDER_CHARS of the server
const DEFAULTS: ConfigView = {
  model: null,
  temperature: null,
  top_p: null,
  max_tokens: null,
  system_prompt: "",
  context_overflow: "drop_oldest",
  presence_penalty: null,
  frequency_penalty: null,
  seed: null,
  stop: null,
  top_k: null,
  min_p: null,
  repeat_penalty: null,
  repeat_last_n: null,
  chat_template_kwargs: null,
};

interface Props {
  draft: DraftParts;
  /** Which would answer. */
  model: string | undefined;
  save: (settings: Settings) => void;
  close: () => void;
}

export function NewChatSettings({ draft, model, save, close }: Props) {
  const { t } = useTranslation();
  const { settings, preset } = draft;
  const [folder, setFolder] = useState(settings?.folder ?? "");
  const known = useFolders(true).data ?? [];
  const config = {
    ...DEFAULTS,
    ...settings?.config,
    ...(preset ? { system_prompt: preset.systemPrompt } : {}),
  } as ConfigView;
  const keep = async (body: ConfigBody) => {
    const fault = faultIn(body);
    if (fault) throw fault;
    save({ config: body, folder: folder.normalize("NFC").trim() });
  };
  return (
    <Dialog open onClose={close} fullWidth maxWidth="sm" aria-labelledby="new-chat-settings">
      <DialogTitle id="new-chat-settings">{t("writing.newSettings")}</DialogTitle>
      <ChatSettingsForm config={config} model={model} save={keep} close={close}>
        <TextField
          label={t("writing.folder")}
          value={folder}
          onChange={(event) => setFolder(event.target.value)}
          slotProps={{ htmlInput: { list: FOLDERS, maxLength: MAX_FOLDER_CHARACTERS, dir: "auto" } }}
        />
        <datalist id={FOLDERS}>
          {known.map(({ name }) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </ChatSettingsForm>
    </Dialog>
  );
}
