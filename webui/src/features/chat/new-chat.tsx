/** Where a chat begins: with its first message. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { call } from "@/api/client";
import { putChatDocuments } from "@/api/documents";
import { ApiError } from "@/api/errors";
import type { ConfigBody, NewSession } from "@/api/types.gen";
import { withPageWords } from "@/lib/i18n";
import { Icon } from "@/ui/icon";
import { latePart } from "@/ui/late-part";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";
import { Advice } from "./advice/advice";
import { Composer } from "./composer/composer";
import { type Draft, NEW_CHAT, useDraft } from "./drafts";
import { useNewChatModel } from "./model-choice";
import { usePending } from "./pending";

const NewChatSettings = lazy(() =>
  withPageWords(import("./settings/new-chat-settings")).then((module) => ({ default: module.NewChatSettings })),
);
const DraftSettings = latePart(() =>
  withPageWords(import("./writing/draft-settings")).then((part) => part.DraftSettings),
);
/** Characters of the first message that the server wants to see. */
const MAX_OPENING = 1000;

export function NewChat() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const textOf = useErrorText();
  const { show } = useNotices();
  const { add } = usePending();
  const { choice, chosen } = useNewChatModel();
  const [draft, change] = useDraft(NEW_CHAT);
  const [isOpen, setOpen] = useState(false);
  const begin = async (content: string, sent: Draft) => {
    try {
      const opening = openingOf(sent);
      const session = await call("POST /api/sessions", { body: { opening, ...sessionOf(sent, chosen) } });
      if (sent.documents) await putChatDocuments(session.session_id, sent.documents);
      add({ sessionId: session.session_id, content });
      navigate(`/chat/${session.session_id}`);
      return "taken";
    } catch (error) {
      if (error instanceof ApiError && error.isOffline) return "waits";
      show({ text: textOf(error) });
      return "refused";
    }
  };
  return (
    <Box
      sx={{
        height: "100%",
        display: "flex",
        flexDirection: "column",
        justifyContent: "center",
        pb: { xs: 0, sm: "12vh" },
      }}
    >
      <Typography
        variant="h1"
        sx={{ textAlign: "center", fontSize: "1.5rem", mt: "auto", mb: { xs: "auto", sm: 3 }, px: 2 }}
      >
        {t("chat.greeting")}
      </Typography>
      <Box sx={{ mb: { sm: "auto" } }}>
        <Box sx={{ px: 2 }}>
          <Advice model={choice.model} question={null} />
        </Box>
        <Composer place={NEW_CHAT} choice={choice} send={begin}>
          {(draft.preset || draft.settings) && <DraftSettings.Part draft={draft} change={change} />}
          <Box sx={{ display: "flex", justifyContent: "center", flexWrap: "wrap", color: "text.secondary" }}>
            <Button
              size="small"
              color="inherit"
              startIcon={<Icon name="settings" size={16} />}
              onClick={() => setOpen(true)}
            >
              {t("chat.settings.title")}
            </Button>
            <Button
              component={Link}
              to="/temporary"
              size="small"
              color="inherit"
              startIcon={<Icon name="hidden" size={16} />}
            >
              {t("chat.temporary")}
            </Button>
          </Box>
        </Composer>
        <Suspense>
          {isOpen && (
            <NewChatSettings
              draft={draft}
              model={choice.model?.id}
              save={(settings) => change({ settings, preset: undefined })}
              close={() => setOpen(false)}
            />
          )}
        </Suspense>
      </Box>
    </Box>
  );
}

/** Of which the chat is called at once; no half of a letter at its end. */
function openingOf({ text, attachments: [first] }: Draft): string {
  return (text.trim() || first?.name || first?.text || "").slice(0, MAX_OPENING).replace(/[\uD800-\uDBFF]$/, "");
}

/** `model`: the browser's choice; null: none was made. */
function sessionOf({ settings, preset }: Draft, model: string | null): NewSession {
  const config: ConfigBody = {
    ...settings?.config,
    ...(preset ? { system_prompt: preset.systemPrompt } : {}),
    ...(model ? { model } : {}),
  };
  const isPlain = Object.keys(config).length === 0;
  return { ...(isPlain ? {} : { config }), ...(settings?.folder ? { folder: settings.folder } : {}) };
}
