/** Where a chat begins: with its first message. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { call } from "@/api/client";
import type { Preset } from "@/api/presets";
import { IconAction } from "@/ui/icon-action";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";
import { useWantedModel } from "./chosen-model";
import { Composer } from "./composer/composer";
import { usePending } from "./pending";

/** Characters of the first message that the server wants to see. */
const MAX_OPENING = 1000;

export function NewChat() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const textOf = useErrorText();
  const { show } = useNotices();
  const { add } = usePending();
  const model = useWantedModel();
  const [isBusy, setBusy] = useState(false);
  const [preset, setPreset] = useState<Preset | null>(null); // whose system prompt the chat will have
  const begin = async (content: string) => {
    setBusy(true);
    try {
      const session = await call("POST /api/sessions", {
        body: { opening: openingOf(content), ...(preset ? { config: { system_prompt: preset.systemPrompt } } : {}) },
      });
      add({ sessionId: session.session_id, content, ...(model ? { model } : {}) });
      navigate(`/chat/${session.session_id}`);
    } catch (error) {
      show({ text: textOf(error) });
      setBusy(false);
      return false;
    }
    return true;
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
        <Composer
          place="new"
          send={begin}
          isBusy={isBusy}
          onPreset={(chosen) => setPreset(chosen.systemPrompt ? chosen : null)}
        />
        <Box sx={{ textAlign: "center" }}>
          <Button component={Link} to="/temporary" size="small" color="inherit" sx={{ color: "text.secondary" }}>
            {t("chat.temporary")}
          </Button>
        </Box>
        {preset && (
          <Box sx={{ textAlign: "center", fontSize: "0.85rem", color: "text.secondary" }}>
            {t("presets.withSystemPrompt", { name: preset.name })}
            <IconAction icon="close" iconSize={14} label={t("presets.without")} onClick={() => setPreset(null)} />
          </Box>
        )}
      </Box>
    </Box>
  );
}

/** Of which the chat is called at once; no half of a letter at its end. */
function openingOf(content: string): string {
  return content.slice(0, MAX_OPENING).replace(/[\uD800-\uDBFF]$/, "");
}
