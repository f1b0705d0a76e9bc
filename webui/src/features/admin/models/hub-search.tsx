/** Search of the Hugging Face hub, where the server's settings allow it. What is typed is sent when it is asked for. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Stack from "@mui/material/Stack";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import type { HubRepositoryView } from "@/api/types.gen";
import { useErrorText } from "@/ui/use-error-text";
import { useFormat } from "@/ui/use-format";
import { HubFiles } from "./hub-files";

export function HubSearch() {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const [words, setWords] = useState("");
  const search = useMutation({
    mutationFn: () => call("GET /api/admin/hub", { query: { search: words.trim() } }),
  });
  return (
    <Box sx={{ maxWidth: 640, mb: 3 }}>
      <Stack
        component="form"
        direction={{ xs: "column", sm: "row" }}
        spacing={1.5}
        sx={{ alignItems: "flex-start" }}
        onSubmit={(event) => {
          event.preventDefault();
          search.mutate();
        }}
      >
        <TextField
          fullWidth
          label={t("admin.models.hubWords")}
          value={words}
          onChange={(event) => setWords(event.target.value)}
          error={search.isError}
          helperText={search.isError ? textOf(search.error) : t("admin.models.hubText")}
          autoComplete="off"
          slotProps={{ htmlInput: { maxLength: 100, autoCapitalize: "none", spellCheck: false } }}
        />
        <Button
          type="submit"
          variant="outlined"
          loading={search.isPending}
          disabled={words.trim().length < 2}
          sx={{ flexShrink: 0 }}
        >
          {t("admin.models.hubSearch")}
        </Button>
      </Stack>
      {search.data?.data.length === 0 && <Typography sx={{ mt: 1.5 }}>{t("admin.models.hubNone")}</Typography>}
      {search.data?.data.map((found) => (
        <Repository key={found.repo} found={found} />
      ))}
    </Box>
  );
}

function Repository({ found }: { found: HubRepositoryView }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [isOpen, setOpen] = useState(false);
  const about = [
    t("admin.models.hubDownloads", { num: format.compact(found.num_downloads) }),
    ...(found.licence ? [found.licence] : []),
    ...(found.is_gated ? [t("admin.models.hubGated")] : []),
  ];
  return (
    <Box component="section" aria-label={found.repo} sx={{ py: 1, borderBottom: 1, borderColor: "divider" }}>
      <Typography sx={{ fontWeight: 600, overflowWrap: "anywhere" }}>{found.repo}</Typography>
      <Typography variant="body2" color="textSecondary">
        {about.join(" · ")}
      </Typography>
      {isOpen ? (
        <HubFiles repo={found.repo} />
      ) : (
        <Button size="small" onClick={() => setOpen(true)}>
          {t("admin.models.hubFiles")}
        </Button>
      )}
    </Box>
  );
}
