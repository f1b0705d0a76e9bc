/** MUI's menu, whose code comes when the first one is opened: half a dozen are on every page, and seldom one is used. */
import type { MenuProps } from "@mui/material/Menu";
import { lazy, Suspense, useEffect, useState } from "react";

const load = () => import("@mui/material/Menu");
const Menu = lazy(load);
let isAsked = false;

interface Props extends Omit<MenuProps, "open" | "anchorEl" | "onClose"> {
  /** What it hangs on; null: it is closed. */
  anchor: HTMLElement | null;
  close: () => void;
}

export function PopupMenu({ anchor, close, ...rest }: Props) {
  const [wasOpened, setOpened] = useState(false);
  if (anchor && !wasOpened) setOpened(true);
  useEffect(askWhenIdle, []);
  if (!wasOpened) return null;
  return (
    <Suspense>
      <Menu open={anchor !== null} anchorEl={anchor} onClose={close} {...rest} />
    </Suspense>
  );
}

/** So that the first one opens at once too. Safari has no idle time to give. */
function askWhenIdle(): void {
  if (isAsked) return;
  isAsked = true;
  const ask = () => load().catch(() => undefined); // asked again when one is opened
  if ("requestIdleCallback" in window) requestIdleCallback(ask, { timeout: 5000 });
  else setTimeout(ask, 2000);
}
