/** What a menu hangs on while it is open, and whether it ever was: what is in it is not asked for before. */
import { type MouseEvent, useState } from "react";

export function useMenuAnchor() {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [wasOpened, setOpened] = useState(false);
  return {
    anchor,
    wasOpened,
    open: (event: MouseEvent<HTMLElement>) => {
      setAnchor(event.currentTarget);
      setOpened(true);
    },
    close: () => setAnchor(null),
  };
}
