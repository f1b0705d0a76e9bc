/** MUI's menu, whose code comes when the first one is opened: half a dozen are on every page, and seldom one is used. */
import type { MenuProps } from "@mui/material/Menu";
import { lazy, Suspense, useState } from "react";

const load = () => import("@mui/material/Menu");
const Menu = lazy(load);

interface Props extends Omit<MenuProps, "open" | "anchorEl" | "onClose"> {
  /** What it hangs on; null: it is closed. */
  anchor: HTMLElement | null;
  close: () => void;
}

export function PopupMenu({ anchor, close, ...rest }: Props) {
  const [wasOpened, setOpened] = useState(false);
  if (anchor && !wasOpened) setOpened(true);
  if (!wasOpened) return null;
  return (
    <Suspense>
      <Menu open={anchor !== null} anchorEl={anchor} onClose={close} {...rest} />
    </Suspense>
  );
}

/** So that the first one opens at once too. What fails is asked for again when one is opened. */
export const preloadMenus = () => load().catch(() => undefined);
