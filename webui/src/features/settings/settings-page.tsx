/** How the page looks and speaks, which this browser keeps; one's presets; one's chats as files. */
import Divider from "@mui/material/Divider";
import MenuItem from "@mui/material/MenuItem";
import Stack from "@mui/material/Stack";
import { useColorScheme } from "@mui/material/styles";
import TextField from "@mui/material/TextField";
import { useTranslation } from "react-i18next";
import { LANGUAGE_NAMES, LANGUAGES, type Language, switchLanguage } from "@/lib/i18n";
import { Page } from "@/ui/page";
import { NoticeSetting } from "./notice-setting";
import { PresetSettings } from "./presets/preset-settings";
import { StatisticsSetting } from "./statistics-setting";
import { ChatTransfer } from "./transfer/chat-transfer";

const MODES = ["system", "light", "dark"] as const;

export function SettingsPage() {
  const { t, i18n } = useTranslation();
  const { mode, setMode } = useColorScheme();
  return (
    <Page title={t("layout.settings")}>
      <Stack spacing={3} sx={{ maxWidth: 320 }}>
        <TextField
          select
          label={t("settings.language")}
          value={i18n.language}
          onChange={(event) => switchLanguage(i18n, event.target.value as Language)}
        >
          {LANGUAGES.map((language) => (
            <MenuItem key={language} value={language} lang={language}>
              {LANGUAGE_NAMES[language]}
            </MenuItem>
          ))}
        </TextField>
        <TextField
          select
          label={t("settings.theme")}
          value={mode ?? "system"}
          onChange={(event) => setMode(event.target.value as (typeof MODES)[number])}
        >
          {MODES.map((each) => (
            <MenuItem key={each} value={each}>
              {t(`settings.themes.${each}`)}
            </MenuItem>
          ))}
        </TextField>
        <StatisticsSetting />
        <NoticeSetting />
      </Stack>
      <Divider sx={{ my: 4 }} />
      <PresetSettings />
      <Divider sx={{ my: 4 }} />
      <ChatTransfer />
    </Page>
  );
}
