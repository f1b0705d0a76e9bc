/** One chat in the list: a link, a menu, and a field while it is renamed. */
import Box from "@mui/material/Box";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { NavLink } from "react-router";
import type { SessionView } from "@/api/types.gen";
import { IconAction } from "@/ui/icon-action";
import { useMenuAnchor } from "@/ui/use-menu-anchor";
import { Rename, SessionMenu } from "./late-parts";

const ROW = {
  position: "relative",
  display: "flex",
  alignItems: "center",
  height: 36,
  mx: 1,
  borderRadius: 1,
  "&:hover": { bgcolor: "action.hover" },
  "& a": {
    flex: 1,
    display: "flex",
    gap: 1,
    minWidth: 0,
    px: 1.25,
    py: 1,
    color: "text.primary",
    textDecoration: "none",
    fontSize: "0.9rem",
  },
  "& a > span": { flex: 1 },
  "&:has(a[aria-current])": { bgcolor: "action.selected" },
  // Shown when it can be wanted; where there is no pointer to rest, always.
  "& .row-more": { opacity: 0 },
  "&:hover .row-more, &:focus-within .row-more, &:has(a[aria-current]) .row-more": { opacity: 1 },
  "@media (hover: none)": { "& .row-more": { opacity: 1 } },
} as const;

interface Props {
  session: SessionView;
  /** Whether Tab comes to it; the arrows do anyway. */
  isTabStop: boolean;
  /** Begins to choose several, with this one. */
  choose: () => void;
}

export function SessionRow({ session, isTabStop, choose }: Props) {
  const { t } = useTranslation();
  const menu = useMenuAnchor();
  const [isRenaming, setRenaming] = useState(false);
  const title = session.title || t("sessions.untitled");
  const isOwn = session.role === "owner";
  const tabIndex = isTabStop ? 0 : -1;
  if (isRenaming) return <Rename.Part session={session} finish={() => setRenaming(false)} />;
  return (
    <Box sx={ROW}>
      <NavLink to={`/chat/${session.session_id}`} title={title} tabIndex={tabIndex}>
        <span className="ellipsis" dir="auto">
          {title}
        </span>
        {!isOwn && (
          <Box component="bdi" className="ellipsis" sx={{ flexShrink: 0, maxWidth: "45%", color: "text.secondary" }}>
            {session.owner_name}
          </Box>
        )}
      </NavLink>
      {isOwn && (
        <Box className="row-more" sx={{ pr: 0.5 }}>
          <IconAction
            icon="more"
            iconSize={18}
            label={t("sessions.more", { title })}
            tabIndex={tabIndex}
            aria-haspopup="menu"
            onClick={menu.open}
          />
        </Box>
      )}
      {menu.wasOpened && (
        <SessionMenu.Part
          session={session}
          anchor={menu.anchor}
          close={menu.close}
          rename={() => setRenaming(true)}
          choose={choose}
        />
      )}
    </Box>
  );
}
