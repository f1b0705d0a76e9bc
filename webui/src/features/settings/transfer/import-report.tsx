/** What became of each chat of an import. Only the lines in sight are in the page: there may be 200,000. */
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Icon } from "@/ui/icon";
import type { Outcome } from "./use-import";
import { useImportReason } from "./use-import-reason";
import { useNotKept } from "./use-not-kept";

const ROW_PX = 52;
const ICONS = { imported: "check", skipped: "forward", failed: "warning" } as const;

interface Props {
  outcomes: readonly Outcome[];
  close: () => void;
}

export function ImportReport({ outcomes, close }: Props) {
  const { t } = useTranslation();
  const reasonOf = useImportReason();
  const leftOf = useNotKept();
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: outcomes.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 8,
  });
  return (
    <Box
      ref={scroller}
      tabIndex={0}
      role="region"
      aria-label={t("import.report")}
      sx={{ maxHeight: "min(46vh, 420px)", overflowY: "auto", border: 1, borderColor: "divider", borderRadius: 1 }}
    >
      <Box component="ul" sx={{ position: "relative", height: virtual.getTotalSize(), m: 0, p: 0, listStyle: "none" }}>
        {virtual.getVirtualItems().map((item) => {
          const line = outcomes[item.index];
          if (!line) return null;
          const name = line.type === "file" ? line.file || t("import.wholeFile") : line.title || t("sessions.untitled");
          const sessionId = line.type === "chat" ? line.session_id : null;
          return (
            <Box
              component="li"
              key={item.key}
              ref={virtual.measureElement}
              data-index={item.index}
              sx={{
                position: "absolute",
                insetInline: 0,
                top: item.start,
                display: "flex",
                gap: 1.25,
                px: 1.5,
                py: 0.75,
                "& svg": { flexShrink: 0, mt: 0.25, color: line.status === "failed" ? "error.main" : "text.secondary" },
              }}
            >
              <Icon name={ICONS[line.status]} size={18} />
              <Box sx={{ minWidth: 0, "& a": { color: "primary.main" } }}>
                <Typography noWrap dir="auto" title={name} sx={{ fontSize: "0.92rem" }}>
                  {sessionId ? (
                    <Link to={`/chat/${sessionId}`} onClick={close}>
                      {name}
                    </Link>
                  ) : (
                    name
                  )}
                </Typography>
                <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: "anywhere" }}>
                  {detailsOf(line)}
                </Typography>
              </Box>
            </Box>
          );
        })}
      </Box>
    </Box>
  );

  function detailsOf(line: Outcome): string {
    const size =
      line.type === "chat" && line.status === "imported" && t("import.messages", { count: line.num_messages });
    const told = [t(`import.status.${line.status}`), size, reasonOf(line)].filter(Boolean).join(": ");
    return [told, leftOf(line)].filter(Boolean).join(" · ");
  }
}
