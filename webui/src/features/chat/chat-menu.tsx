/** The door to what can be done with the whole chat. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { IconAction } from "@/ui/icon-action";
import { useMenuAnchor } from "@/ui/use-menu-anchor";

interface Props {
  /** The menu, from when it is first opened. */
  children: (anchor: HTMLElement | null, close: () => void) => ReactNode;
}

export function ChatMenu({ children }: Props) {
  const { t } = useTranslation();
  const menu = useMenuAnchor();
  return (
    <>
      <IconAction icon="more" iconSize={24} label={t("chat.menu")} aria-haspopup="menu" onClick={menu.open} />
      {menu.wasOpened && children(menu.anchor, menu.close)}
    </>
  );
}
