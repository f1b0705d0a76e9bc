/** The ways to settings, profile, administration and out; who leaves with something unsent is asked first. */
import ListItemIcon from "@mui/material/ListItemIcon";
import MenuItem from "@mui/material/MenuItem";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { call } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { Me } from "@/api/types.gen";
import { forgetUnsent, hasUnsent } from "@/features/chat/unsent";
import { addressOf } from "@/lib/place";
import { Icon } from "@/ui/icon";
import { useNotices } from "@/ui/notices-state";
import { PopupMenu } from "@/ui/popup-menu";
import { useErrorText } from "@/ui/use-error-text";

const ConfirmDialog = lazy(() => import("@/ui/confirm-dialog").then((module) => ({ default: module.ConfirmDialog })));

interface Props {
  user: NonNullable<Me["user"]>;
  anchor: HTMLElement | null;
  close: () => void;
}

export function AccountActions({ user, anchor, close }: Props) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const { show } = useNotices();
  const [isAsking, setAsking] = useState(false);
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
