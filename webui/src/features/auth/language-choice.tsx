/** The page's language for who has no settings yet: each named as its speakers name it. */
import Button from "@mui/material/Button";
import Stack from "@mui/material/Stack";
import { useTranslation } from "react-i18next";
import { LANGUAGE_NAMES, LANGUAGES, switchLanguage } from "@/lib/i18n";

export function LanguageChoice() {
  const { t, i18n } = useTranslation();
  return (
    <Stack direction="row" spacing={1} role="group" aria-label={t("door.language")}>
      {LANGUAGES.map((language) => (
        <Button
          key={language}
          lang={language}
          size="small"
          color="inherit"
          aria-pressed={i18n.language === language}
          onClick={() => switchLanguage(i18n, language)}
          sx={{ fontWeight: i18n.language === language ? 700 : 400 }}
        >
          {LANGUAGE_NAMES[language]}
        </Button>
      ))}
    </Stack>
  );
}
