/** What the chat that is about to begin will have, as chips that can be taken away. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import { IconAction } from "@/ui/icon-action";
import type { ChangeDraft, Draft } from "../drafts";
import { NUMBERS } from "../settings/chat-settings-values";

interface Props {
  draft: Draft;
  change: ChangeDraft;
}

export function DraftSettings({ draft, change }: Props) {
  const { t } = useTranslation();
  const { preset, settings } = draft;
  const named = settings
    ? [
        settings.folder && t("writing.inFolder", { folder: settings.folder }),
        settings.config.system_prompt && t("chat.settings.systemPrompt"),
        ...NUMBERS.map(({ name }) => {
          const value = settings.config[name];
          return value === null || value === undefined ? "" : `${t(`chat.settings.numbers.${name}`)} ${value}`;
        }),
        settings.config.context_overflow === "error" && t("chat.overflow.error"),
      ].filter(Boolean)
    : [];
  return (
    <Box sx={{ textAlign: "center", fontSize: "0.85rem", color: "text.secondary", overflowWrap: "anywhere" }}>
      {named.length > 0 && (
        <div>
          {named.join(" · ")}
          <IconAction
            icon="close"
            iconSize={14}
            label={t("writing.withoutSettings")}
            onClick={() => change({ settings: undefined })}
          />
        </div>
      )}
      {preset && (
        <div>
          {t("presets.withSystemPrompt", { name: preset.name })}
          <IconAction
            icon="close"
            iconSize={14}
            label={t("presets.without")}
            onClick={() => change({ preset: undefined })}
          />
        </div>
      )}
    </Box>
  );
}
