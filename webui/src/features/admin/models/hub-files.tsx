/** What can be downloaded of a repository on the hub. */
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { Loading } from "@/ui/loading";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";
import { useFormat } from "@/ui/use-format";
import { adminKeys } from "../admin-keys";
import { usePull } from "./use-pulls";

interface Props {
  repo: string;
}

export function HubFiles({ repo }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const textOf = useErrorText();
  const { show } = useNotices();
  const pull = usePull();
  const files = useQuery({
    queryKey: adminKeys.hubFiles(repo),
    queryFn: ({ signal }) => call("GET /api/admin/hub/files", { query: { repo }, signal }),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (files.isPending) return <Loading />;
  if (!files.data) return <Alert severity="error">{textOf(files.error)}</Alert>;
  return (
    <Box component="ul" sx={{ listStyle: "none", p: 0, m: 0 }}>
      {files.data.data.length === 0 && <li>{t("admin.models.hubNone")}</li>}
      {files.data.data.map(({ spec, file, num_bytes }) => (
        <Box component="li" key={spec} sx={{ display: "flex", gap: 1.5, alignItems: "center", py: 0.5 }}>
          <Box component="span" sx={{ flex: 1, minWidth: 0, overflowWrap: "anywhere" }}>
            {file}
          </Box>
          <span>{num_bytes === null ? t("admin.models.hubMany") : format.bytes(num_bytes)}</span>
          <Button
            size="small"
            variant="outlined"
            aria-label={t("admin.models.pullOf", { model: file })}
            onClick={() => pull(spec).catch((error) => show({ text: textOf(error) }))}
          >
            {t("admin.models.pull")}
          </Button>
        </Box>
      ))}
    </Box>
  );
}
