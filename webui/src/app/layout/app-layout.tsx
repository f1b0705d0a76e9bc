/** The frame of the chat: sidebar and page. Under 900 px the sidebar is a drawer over the page. */
import Box from "@mui/material/Box";
import useMediaQuery from "@mui/material/useMediaQuery";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Outlet, useLocation, useNavigate } from "react-router";
import { useMe } from "@/api/use-me";
import { forgetUnsent } from "@/features/chat/unsent";
import { IconAction } from "@/ui/icon-action";
import { latePart, whenIdle } from "@/ui/late-part";
import { SkipLink } from "@/ui/skip-link";
import { Bell } from "./bell";
import { useLayout } from "./layout-state";
import { NewsDot } from "./news-dot";
import { useNewsList } from "./news-state";
import { useHotkeys } from "./use-hotkeys";

/** Brings all that lies over a page: a thirtieth of what the chat loads, and wide windows never need it. */
const Drawer = latePart(() => import("@mui/material/Drawer").then((module) => module.default));
const HotkeyHelp = lazy(() => import("./hotkey-help").then((module) => ({ default: module.HotkeyHelp })));

const SIDEBAR_PX = 272;
/** A drawer is fixed to the window, past the body's own padding. */
const SAFE_DRAWER = {
  paddingBlock: "env(safe-area-inset-top) env(safe-area-inset-bottom)",
  boxSizing: "border-box",
} as const;

interface Props {
  sidebar: ReactNode;
  /** A line over the page. */
  notice: ReactNode;
}

export function AppLayout({ sidebar, notice }: Props) {
  const { t } = useTranslation();
  const user = useMe().data?.user;
  const isWide = useMediaQuery("(min-width:900px)", { noSsr: true });
  const layout = useLayout();
  const { pathname } = useLocation();
  const { setDrawerOpen } = layout;
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever chose a chat in the drawer wants to see it
  useEffect(() => setDrawerOpen(false), [pathname]);
  useEffect(() => {
    if (!isWide) whenIdle(Drawer.preload);
  }, [isWide]);
  const navigate = useNavigate();
  const { numUnread } = useNewsList();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const isOpen = isWide ? layout.isSidebarOpen : layout.isDrawerOpen;
  const setOpen = isWide ? layout.setSidebarOpen : layout.setDrawerOpen;
  const search = () => {
    setOpen(true);
    requestAnimationFrame(() => document.querySelector<HTMLInputElement>("nav input[type=search]")?.focus());
  };
  useHotkeys({
    new: () => navigate("/"),
    sidebar: () => setOpen(!isOpen),
    search,
    help: () => setHelpOpen(true),
  });
  const menuName = [t("layout.openSidebar"), numUnread > 0 && t("news.unread", { count: numUnread })]
    .filter(Boolean)
    .join(" · ");
  const panel = (
    <Box
      component="nav"
      aria-label={t("layout.sidebar")}
      sx={{ display: "flex", flexDirection: "column", height: "100%" }}
    >
      <Box sx={{ display: "flex", justifyContent: "space-between", alignItems: "center", p: 1, pl: 2 }}>
        <Box component="span" sx={{ fontWeight: 700, letterSpacing: "-0.01em" }}>
          bdchat
        </Box>
        <Bell />
        <IconAction icon="panel" label={t("layout.closeSidebar")} onClick={() => setOpen(false)} />
      </Box>
      {sidebar}
    </Box>
  );
  return (
    <Box sx={{ display: "flex", height: "var(--bd-height)" }}>
      <SkipLink />
      {isWide && isOpen && (
        <Box
          sx={{
            width: SIDEBAR_PX,
            flexShrink: 0,
            bgcolor: "background.sunken",
            borderInlineEnd: 1,
            borderColor: "divider",
          }}
        >
          {panel}
        </Box>
      )}
      {!isWide && (
        <Drawer.Part
          open={isOpen}
          onClose={() => setOpen(false)}
          slotProps={{
            paper: {
              "aria-label": t("layout.sidebar"),
              sx: { width: `min(${SIDEBAR_PX}px, 86vw)`, bgcolor: "background.sunken", ...SAFE_DRAWER },
            },
          }}
        >
          {panel}
        </Drawer.Part>
      )}
      <Box
        component="main"
        tabIndex={-1}
        sx={{
          // As wide as what stands in the upper corner while the sidebar is closed; headers keep clear of it.
          "--bd-corner": isOpen && isWide ? "16px" : pathname === "/" ? "56px" : "100px",
          position: "relative",
          flex: 1,
          minWidth: 0,
          height: "100%",
          display: "flex",
          flexDirection: "column",
          outline: 0, // focused by the skip link alone; what follows it shows where one is
        }}
      >
        {!isOpen && (
          <Box sx={{ position: "absolute", top: 8, insetInlineStart: 8, zIndex: 2, display: "flex", gap: 0.5 }}>
            <Box sx={{ position: "relative" }}>
              <IconAction icon="menu" label={menuName} onClick={() => setOpen(true)} />
              {numUnread > 0 && <NewsDot />}
            </Box>
            {pathname !== "/" && <IconAction icon="plus" label={t("sessions.new")} onClick={() => navigate("/")} />}
          </Box>
        )}
        {notice}
        <Box sx={{ flex: 1, minHeight: 0 }}>
          <Outlet context={{ search, forget: () => user && forgetUnsent(user.user_id) }} />
        </Box>
      </Box>
      <Suspense>{isHelpOpen && <HotkeyHelp close={() => setHelpOpen(false)} />}</Suspense>
    </Box>
  );
}
