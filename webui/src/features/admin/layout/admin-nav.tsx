/** The ways through the administration. */

import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import { NavLink } from "react-router";
import { addressOf } from "@/lib/place";
import { Icon } from "@/ui/icon";
import type { IconName } from "@/ui/icon-paths";

const PLACES = [
  ["overview", "/", "gauge"],
  ["models", "/models", "box"],
  ["engine", "/engine", "grid"],
  ["users", "/users", "users"],
  ["keys", "/keys", "key"],
  ["usage", "/usage", "chart"],
  ["audit", "/audit", "list"],
  ["storage", "/storage", "disk"],
] as const satisfies readonly (readonly [string, string, IconName])[];

export function AdminNav() {
  const { t } = useTranslation();
  return (
    <Box component="nav" aria-label={t("admin.title")} sx={NAV}>
      <Box component="span" sx={{ px: 2.25, pt: 2, pb: 1.5, fontWeight: 700, letterSpacing: "-0.01em" }}>
        bdchat <Box sx={{ display: "inline", color: "text.secondary", fontWeight: 450 }}>{t("admin.title")}</Box>
      </Box>
      <ul>
        {PLACES.map(([name, path, icon]) => (
          <li key={name}>
            <NavLink to={path} end={path === "/"}>
              <Icon name={icon} size={19} />
              {t(`admin.nav.${name}`)}
            </NavLink>
          </li>
        ))}
      </ul>
      <Box sx={{ flex: 1 }} />
      <ul>
        <li>
          <a href={addressOf("/")}>
            <Icon name="left" size={19} />
            {t("admin.toChat")}
          </a>
        </li>
      </ul>
    </Box>
  );
}

const NAV = {
  display: "flex",
  flexDirection: "column",
  height: "100%",
  overflowY: "auto",
  pb: 1,
  "& ul": { m: 0, p: 0, listStyle: "none" },
  "& a": {
    display: "flex",
    alignItems: "center",
    gap: 1.25,
    mx: 1,
    px: 1.25,
    py: 0.9,
    borderRadius: 1,
    color: "text.primary",
    textDecoration: "none",
    fontSize: "0.95rem",
  },
  "& a:hover": { bgcolor: "action.hover" },
  "& a[aria-current]": { bgcolor: "action.selected", fontWeight: 600 },
} as const;
