/** Who is signed in; behind it the ways to settings, profile, administration and out. */

import Box from "@mui/material/Box";
import ButtonBase from "@mui/material/ButtonBase";
import { useEffect } from "react";
import { useMe } from "@/api/use-me";
import { Icon } from "@/ui/icon";
import { latePart, whenIdle } from "@/ui/late-part";
import { preloadMenus } from "@/ui/popup-menu";
import { useMenuAnchor } from "@/ui/use-menu-anchor";

const Actions = latePart(() => import("./account-actions").then((module) => module.AccountActions));

export function AccountMenu() {
  const user = useMe().data?.user;
  const menu = useMenuAnchor();
  useEffect(() => whenIdle(() => [Actions.preload(), preloadMenus()]), []);
  if (!user) return null;
  const name = user.display_name || user.username;
  return (
    <>
      <ButtonBase
        aria-haspopup="menu"
        aria-expanded={menu.anchor !== null}
        onClick={menu.open}
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
      {menu.wasOpened && <Actions.Part user={user} anchor={menu.anchor} close={menu.close} />}
    </>
  );
}
