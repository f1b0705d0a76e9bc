/** The frame of the administration: ways at the side, page beside them. Under 900 px the ways are a drawer. */
import Box from "@mui/material/Box";
import Drawer from "@mui/material/Drawer";
import useMediaQuery from "@mui/material/useMediaQuery";
import { type ReactNode, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Outlet, useLocation } from "react-router";
import { IconAction } from "@/ui/icon-action";
import { Loading } from "@/ui/loading";
import { SkipLink } from "@/ui/skip-link";
import { AdminNav } from "./admin-nav";

const NAV_PX = 224;

interface Props {
  /** A line over the page. */
  notice: ReactNode;
}

export function AdminLayout({ notice }: Props) {
  const { t } = useTranslation();
  const isWide = useMediaQuery("(min-width:900px)", { noSsr: true });
  const [isOpen, setOpen] = useState(false);
  const { pathname } = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever chose a page in the drawer wants to see it
  useEffect(() => setOpen(false), [pathname]);
  return (
    <Box sx={{ display: "flex", flexDirection: isWide ? "row" : "column", height: "var(--bd-height)" }}>
      <SkipLink />
      {isWide ? (
        <Box
          sx={{
            width: NAV_PX,
            flexShrink: 0,
            bgcolor: "background.sunken",
            borderInlineEnd: 1,
            borderColor: "divider",
          }}
        >
          <AdminNav />
        </Box>
      ) : (
        <Box
          component="header"
          sx={{
            display: "flex",
            alignItems: "center",
            gap: 1,
            px: 1,
            py: 0.75,
            borderBottom: 1,
            borderColor: "divider",
          }}
        >
          <IconAction icon="menu" label={t("admin.openNav")} onClick={() => setOpen(true)} />
          <Box component="span" sx={{ fontWeight: 700 }}>
            bdchat
          </Box>
          <Drawer
            open={isOpen}
            onClose={() => setOpen(false)}
            slotProps={{ paper: { sx: { width: `min(${NAV_PX}px, 86vw)`, bgcolor: "background.sunken" } } }}
          >
            <AdminNav />
          </Drawer>
        </Box>
      )}
      <Box sx={{ flex: 1, minWidth: 0, minHeight: 0, display: "flex", flexDirection: "column" }}>
        {notice}
        <Box component="main" key={pathname} tabIndex={0} sx={MAIN}>
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
        </Box>
      </Box>
    </Box>
  );
}

/** It scrolls, so it can be reached by keyboard, also where it has nothing to press. */
const MAIN = { flex: 1, minHeight: 0, overflowY: "auto", "&:focus-visible": { outlineOffset: -2 } } as const;
