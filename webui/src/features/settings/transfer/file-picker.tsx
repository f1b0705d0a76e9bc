/** Where a file is chosen or dropped. What it is, the server tells by its content. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { type DragEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  choose: (file: File) => void;
}

export function FilePicker({ choose }: Props) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const [file] = event.dataTransfer.files;
    if (file) choose(file);
  };
  return (
    <>
      <Typography>{t("import.text")}</Typography>
      <Box
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
        sx={{
          display: "grid",
          justifyItems: "center",
          gap: 1,
          p: 4,
          border: 2,
          borderStyle: "dashed",
          borderColor: isOver ? "primary.main" : "divider",
          borderRadius: 1,
        }}
      >
        <Button variant="contained" autoFocus onClick={() => input.current?.click()}>
          {t("import.choose")}
        </Button>
        <Typography variant="body2" color="textSecondary">
          {t("import.drop")}
        </Typography>
        <input
          ref={input}
          type="file"
          hidden
          accept=".json,.jsonl,.ndjson,.zip,application/json,application/zip"
          aria-label={t("import.choose")}
          onChange={(event) => {
            const [file] = event.target.files ?? [];
            if (file) choose(file);
          }}
        />
      </Box>
      <Typography variant="body2" color="textSecondary">
        {t("import.twice")}
      </Typography>
    </>
  );
}
