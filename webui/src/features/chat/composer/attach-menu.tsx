/** Files from this computer, or documents that are there already. */
import { useTranslation } from "react-i18next";
import { ActionMenu } from "@/ui/action-menu";

interface Props {
  anchor: HTMLElement | null;
  close: () => void;
  upload: () => void;
  choose: () => void;
}

export function AttachMenu({ anchor, close, upload, choose }: Props) {
  const { t } = useTranslation();
  return (
    <ActionMenu
      anchor={anchor}
      close={close}
      actions={[
        { icon: "file", label: t("composer.upload"), act: upload },
        { icon: "folder", label: t("composer.choose"), act: choose },
      ]}
    />
  );
}
