/** The door to what can be done with the whole chat. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconAction } from "@/ui/icon-action";

interface Props {
  /** The menu, from when it is first opened. */
  children: (anchor: HTMLElement | null, close: () => void) => ReactNode;
}

export function ChatMenu({ children }: Props) {
  const { t } = useTranslation();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [wasOpened, setOpened] = useState(false);
  return (
    <>
      <IconAction
        icon="more"
        iconSize={24}
        label={t("chat.menu")}
        aria-haspopup="menu"
        onClick={(event) => {
          setAnchor(event.currentTarget);
          setOpened(true);
        }}
      />
      {wasOpened && children(anchor, () => setAnchor(null))}
    </>
  );
}
