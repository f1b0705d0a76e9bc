/** All of one's chats out, and other ones in. */

import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { exportHref, exportWithFilesHref } from "@/api/export-href";
import { Select } from "@/ui/select";

const ImportDialog = lazy(() => import("./import-dialog").then((module) => ({ default: module.ImportDialog })));
const FORMATS = ["bdchat", "files", "markdown", "jsonl"] as const;

export function ChatTransfer() {
  const { t } = useTranslation();
  const [format, setFormat] = useState<(typeof FORMATS)[number]>("bdchat");
  const [isImporting, setImporting] = useState(false);
  return (
    <Box component="section" aria-labelledby="transfer">
      <Typography id="transfer" variant="h2" sx={{ mb: 2 }}>
        {t("settings.chats")}
      </Typography>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1.5, alignItems: "center" }}>
        <Box sx={{ flex: "1 1 240px", maxWidth: 320 }}>
          <Select
            label={t("export.format")}
            value={format}
            options={FORMATS.map((each) => ({ value: each, label: t(`export.formats.${each}`) }))}
            onValue={setFormat}
          />
        </Box>
        <Button
          component="a"
          variant="outlined"
          href={format === "files" ? exportWithFilesHref() : exportHref(format)}
          download
        >
          {t("export.all")}
        </Button>
      </Box>
      <Typography variant="body2" color="textSecondary" sx={{ mt: 1, mb: 3 }}>
        {t(`export.texts.${format}`)}
      </Typography>
      <Button variant="outlined" onClick={() => setImporting(true)}>
        {t("import.title")}
      </Button>
      <Suspense>{isImporting && <ImportDialog close={() => setImporting(false)} />}</Suspense>
    </Box>
  );
}
