/** A message while it is said otherwise. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  text: string;
  save: (text: string) => void;
  cancel: () => void;
}

export function MessageEditor({ text, save, cancel }: Props) {
  const { t } = useTranslation();
  const [value, setValue] = useState(text);
  const isWorthSaving = value.trim() !== "" && value !== text;
  return (
    <Box>
      <TextField
        multiline
        fullWidth
        autoFocus
        maxRows={16}
        value={value}
        onChange={(event) => setValue(event.target.value)}
        onKeyDown={(event) => event.key === "Escape" && !event.nativeEvent.isComposing && cancel()}
        slotProps={{ htmlInput: { "aria-label": t("chat.edit") } }}
      />
      <Box sx={{ display: "flex", justifyContent: "flex-end", gap: 1, mt: 1 }}>
        <Button onClick={cancel}>{t("common.cancel")}</Button>
        <Button variant="contained" disabled={!isWorthSaving} onClick={() => save(value)}>
          {t("chat.saveAndAnswer")}
        </Button>
      </Box>
    </Box>
  );
}
