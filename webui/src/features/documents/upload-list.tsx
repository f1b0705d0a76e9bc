/** Files on their way: how far each is, and what became of those that did not arrive. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/errors";
import { IconAction } from "@/ui/icon-action";
import { Meter } from "@/ui/meter";
import { useErrorText } from "@/ui/use-error-text";
import { useFormat } from "@/ui/use-format";
import { useUploads } from "./uploads";

interface Props {
  /** Those that were begun there. */
  place: string;
}

export function UploadList({ place }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const textOf = useErrorText();
  const { items, remove, retry } = useUploads();
  const shown = items.filter((each) => each.place === place);
  if (shown.length === 0) return null;
  return (
    <Box component="ul" aria-label={t("documents.uploads")} sx={{ m: 0, p: 0, listStyle: "none" }}>
      {shown.map(({ id, file, state, share, error }) => (
        <Box
          component="li"
          key={id}
          sx={{ display: "flex", alignItems: "center", gap: 1, px: 1, py: 0.5, fontSize: "0.88rem" }}
        >
          <Box sx={{ flex: 1, minWidth: 0 }}>
            <Box sx={{ display: "flex", gap: 1 }}>
              <Box component="span" className="ellipsis" dir="auto" sx={{ flex: 1 }}>
                {file.name}
              </Box>
              {state !== "failed" && (
                <Box component="span" sx={{ color: "text.secondary", whiteSpace: "nowrap" }}>
                  {state === "waiting" ? t("documents.uploadWaits") : format.percent(Math.floor(share * 100) / 100)}
                </Box>
              )}
            </Box>
            {state === "failed" ? (
              <Box role="alert" sx={{ color: "error.main", overflowWrap: "anywhere" }}>
                {textOf(error)}
              </Box>
            ) : (
              <Meter label={t("documents.uploadOf", { name: file.name })} share={share} />
            )}
          </Box>
          {state === "failed" && isPassing(error) && (
            <IconAction icon="retry" iconSize={17} label={t("common.retry")} onClick={() => retry(id)} />
          )}
          <IconAction
            icon="close"
            iconSize={16}
            label={t(state === "failed" ? "documents.dismiss" : "documents.stopUpload", { name: file.name })}
            onClick={() => remove(id)}
          />
        </Box>
      ))}
    </Box>
  );
}

/** Sending it again may help. */
function isPassing(error: unknown): boolean {
  return !(error instanceof ApiError) || error.isPassing || error.code === "storage_quota_exceeded";
}
