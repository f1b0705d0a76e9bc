/** Above a document: its name, which page it is at, and the ways to others. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import IconButton from "@mui/material/IconButton";
import Typography from "@mui/material/Typography";
import { useTranslation } from "react-i18next";
import { contentHref } from "@/api/documents";
import { Icon } from "@/ui/icon";
import { IconAction } from "@/ui/icon-action";

interface Props {
  name: string;
  /** null: it can neither be turned nor downloaded. */
  documentId: string | null;
  number: number;
  /** null: it is not known yet. */
  numPages: number | null;
  /** A sheet's, slide's or chapter's name. */
  label: string;
  turn: (to: number) => void;
  isText: boolean;
  /** null: it is text anyway. */
  setText: ((isText: boolean) => void) | null;
  close: () => void;
}

export function ViewerBar({ name, documentId, number, numPages, label, turn, isText, setText, close }: Props) {
  const { t } = useTranslation();
  const isLast = numPages !== null && number >= numPages;
  return (
    <Box component="header" sx={{ px: 1.5, pt: 1, pb: 0.5, borderBottom: 1, borderColor: "divider" }}>
      <Box sx={{ display: "flex", alignItems: "center", gap: 0.5 }}>
        <Typography
          component="h2"
          noWrap
          dir="auto"
          title={name}
          sx={{ flex: 1, fontWeight: 650, fontSize: "0.98rem" }}
        >
          {name}
        </Typography>
        {documentId !== null && (
          <IconButton
            size="small"
            component="a"
            href={contentHref(documentId)}
            download={name}
            aria-label={t("documents.download")}
            title={t("documents.download")}
          >
            <Icon name="download" />
          </IconButton>
        )}
        <IconAction icon="close" label={t("common.close")} onClick={close} />
      </Box>
      {documentId !== null && (
        <Box sx={{ display: "flex", alignItems: "center", gap: 0.5, ml: -0.75, minWidth: 0 }}>
          <IconAction
            icon="left"
            label={t("documents.previousPage")}
            disabled={number <= 1}
            onClick={() => turn(number - 1)}
          />
          <Box component="span" role="status" sx={{ fontSize: "0.88rem", whiteSpace: "nowrap" }}>
            {numPages === null
              ? t("documents.pageOf", { number })
              : t("documents.pageOfAll", { number, total: numPages })}
          </Box>
          <IconAction icon="right" label={t("documents.nextPage")} disabled={isLast} onClick={() => turn(number + 1)} />
          <Box
            component="span"
            className="ellipsis"
            dir="auto"
            sx={{ flex: 1, minWidth: 0, color: "text.secondary", fontSize: "0.85rem" }}
          >
            {label}
          </Box>
          {setText && (
            <Button size="small" color="inherit" aria-pressed={isText} onClick={() => setText(!isText)}>
              {t(isText ? "documents.asPage" : "documents.asText")}
            </Button>
          )}
        </Box>
      )}
    </Box>
  );
}
