/** A message while it is said otherwise. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { plainField } from "@/ui/plain-field";

const MAX_ROWS = 16;

interface Props {
  text: string;
  /** By the model: then it can be asked again. */
  isAnswered: boolean;
  /** `answers`: whether the model is asked again. */
  save: (text: string, options: { answers: boolean }) => void;
  cancel: () => void;
}

export function MessageEditor({ text, isAnswered, save, cancel }: Props) {
  const { t } = useTranslation();
  const [value, setValue] = useState(text);
  const isWorthSaving = value.trim() !== "" && value !== text;
  return (
    <Box>
      <Box
        component="textarea"
        autoFocus
        dir="auto"
        rows={Math.min(Math.max(value.split("\n").length, Math.ceil(value.length / 80), 2), MAX_ROWS)}
        value={value}
        onChange={(event) => setValue(event.target.value)}
        onKeyDown={(event) => event.key === "Escape" && !event.nativeEvent.isComposing && cancel()}
        aria-label={t("chat.edit")}
        sx={{ ...plainField, display: "block", resize: "vertical", lineHeight: 1.6 }}
      />
      <Box sx={{ display: "flex", justifyContent: "flex-end", gap: 1, mt: 1 }}>
        <Button onClick={cancel}>{t("common.cancel")}</Button>
        <Button
          variant={isAnswered ? "outlined" : "contained"}
          disabled={!isWorthSaving}
          onClick={() => save(value, { answers: false })}
        >
          {t("common.save")}
        </Button>
        {isAnswered && (
          <Button variant="contained" disabled={!isWorthSaving} onClick={() => save(value, { answers: true })}>
            {t("chat.saveAndAnswer")}
          </Button>
        )}
      </Box>
    </Box>
  );
}
