/** Who is signed in; behind it the ways to settings, profile, administration and out. */

import Box from "@mui/material/Box";
import ButtonBase from "@mui/material/ButtonBase";
import { useEffect, useState } from "react";
import { useMe } from "@/api/use-me";
import { Icon } from "@/ui/icon";
import { latePart, whenIdle } from "@/ui/late-part";
import { preloadMenus } from "@/ui/popup-menu";

const Actions = latePart(() => import("./account-actions").then((module) => module.AccountActions));

export function AccountMenu() {
  const user = useMe().data?.user;
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [wasOpened, setOpened] = useState(false);
  useEffect(() => whenIdle(() => [Actions.preload(), preloadMenus()]), []);
  if (!user) return null;
  const name = user.display_name || user.username;
  return (
    <>
      <ButtonBase
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onClick={(event) => {
          setAnchor(event.currentTarget);
          setOpened(true);
        }}
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
      {wasOpened && <Actions.Part user={user} anchor={anchor} close={() => setAnchor(null)} />}
    </>
  );
}
