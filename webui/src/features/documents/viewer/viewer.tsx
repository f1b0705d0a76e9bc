/**
 * A document at a page, with what is quoted marked: beside what it was opened from where there is room, else over it.
 * Escape closes it, and the focus goes back to where it came from.
 */
import Box from "@mui/material/Box";
import Dialog from "@mui/material/Dialog";
import useMediaQuery from "@mui/material/useMediaQuery";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Shown } from "./shown";
import { ViewerSheet } from "./viewer-sheet";

interface Props {
  shown: Shown;
  close: () => void;
}

export function Viewer({ shown, close }: Props) {
  const { t } = useTranslation();
  const isWide = useMediaQuery("(min-width:1100px)", { noSsr: true });
  const panel = useRef<HTMLElement>(null);
  const opener = useRef<Element | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another source moves the focus again
  useEffect(() => {
    if (!isWide) return;
    if (!panel.current?.contains(document.activeElement)) opener.current = document.activeElement;
    panel.current?.focus({ preventScroll: true });
  }, [isWide, shown]);
  const label = t("documents.viewer", { name: shown.name });
  const leave = () => {
    close();
    if (opener.current instanceof HTMLElement && opener.current.isConnected) opener.current.focus();
  };
  if (!isWide) {
    return (
      <Dialog open fullScreen onClose={close} slotProps={{ paper: { "aria-label": label } }}>
        <ViewerSheet key={shown.documentId} shown={shown} close={close} />
      </Dialog>
    );
  }
  return (
    <Box
      component="aside"
      ref={panel}
      tabIndex={-1}
      aria-label={label}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        event.preventDefault();
        leave();
      }}
      sx={{
        width: "min(46%, 760px)",
        flexShrink: 0,
        minWidth: 0,
        height: "100%",
        borderInlineStart: 1,
        borderColor: "divider",
        bgcolor: "background.paper",
        outline: 0, // it is focused when it opens, and is seen to
      }}
    >
      <ViewerSheet key={shown.documentId} shown={shown} close={leave} />
    </Box>
  );
}
