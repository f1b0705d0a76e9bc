/** Who is signed in, and the ways to settings, profile, administration and out. */

import Box from "@mui/material/Box";
import ButtonBase from "@mui/material/ButtonBase";
import ListItemIcon from "@mui/material/ListItemIcon";
import MenuItem from "@mui/material/MenuItem";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { call } from "@/api/client";
import { ApiError } from "@/api/errors";
import { useMe } from "@/api/use-me";
import { forgetUnsent, hasUnsent } from "@/features/chat/unsent";
import { addressOf } from "@/lib/place";
import { Icon } from "@/ui/icon";
import { useNotices } from "@/ui/notices-state";
import { PopupMenu } from "@/ui/popup-menu";
import { useErrorText } from "@/ui/use-error-text";

const ConfirmDialog = lazy(() => import("@/ui/confirm-dialog").then((module) => ({ default: module.ConfirmDialog })));

export function AccountMenu() {
  const { t } = useTranslation();
  const user = useMe().data?.user;
  const textOf = useErrorText();
  const { show } = useNotices();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [isAsking, setAsking] = useState(false);
  if (!user) return null;
  const close = () => setAnchor(null);
  const name = user.display_name || user.username;
  const leave = async () => {
    await call("POST /api/auth/logout").catch((error: unknown) => {
      if (!(error instanceof ApiError && error.status === 401)) throw error; // a login that ended already is as good
    });
    forgetUnsent(user.user_id);
    location.assign(addressOf("/login")); // and nothing of this account stays in memory
  };
  const askOrLeave = () => {
    close();
    if (hasUnsent(user.user_id)) setAsking(true);
    else leave().catch((error: unknown) => show({ text: textOf(error) }));
  };
  return (
    <>
      <ButtonBase
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onClick={(event) => setAnchor(event.currentTarget)}
        sx={{
          gap: 1.25,
          p: 1.25,
          m: 0.75,
          borderRadius: 1,
          justifyContent: "flex-start",
          "&:hover": { bgcolor: "action.hover" },
        }}
      >
        <Icon name="user" />
        <Box
          component="span"
          sx={{ fontWeight: 600, overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }}
        >
          {name}
        </Box>
      </ButtonBase>
      <PopupMenu
        anchor={anchor}
        close={close}
        anchorOrigin={{ vertical: "top", horizontal: "left" }}
        transformOrigin={{ vertical: "bottom", horizontal: "left" }}
      >
        <MenuItem component={Link} to="/settings" onClick={close}>
          <ListItemIcon>
            <Icon name="settings" />
          </ListItemIcon>
          {t("layout.settings")}
        </MenuItem>
        <MenuItem component={Link} to="/profile" onClick={close}>
          <ListItemIcon>
            <Icon name="user" />
          </ListItemIcon>
          {t("layout.profile")}
        </MenuItem>
        {user.role === "admin" && (
          <MenuItem component="a" href={addressOf("/admin")}>
            <ListItemIcon>
              <Icon name="shield" />
            </ListItemIcon>
            {t("layout.admin")}
          </MenuItem>
        )}
        <MenuItem onClick={askOrLeave}>
          <ListItemIcon>
            <Icon name="leave" />
          </ListItemIcon>
          {t("auth.logout")}
        </MenuItem>
      </PopupMenu>
      {isAsking && (
        <Suspense>
          <ConfirmDialog
            title={t("auth.logoutTitle")}
            action={t("auth.logout")}
            run={leave}
            close={() => setAsking(false)}
          >
            {t("auth.logoutText")}
          </ConfirmDialog>
        </Suspense>
      )}
    </>
  );
}
