/** A document in the list: what it is called, how far it is, and what can be done with it. */
import Box from "@mui/material/Box";
import ButtonBase from "@mui/material/ButtonBase";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { contentHref } from "@/api/documents";
import type { CollectionView, DocumentView } from "@/api/types.gen";
import { ActionMenu, type MenuAction } from "@/ui/action-menu";
import { Icon } from "@/ui/icon";
import { IconAction } from "@/ui/icon-action";
import { Meter } from "@/ui/meter";
import { NameField } from "@/ui/name-field";
import { useMenuAnchor } from "@/ui/use-menu-anchor";
import { isOnItsWay, shareRead, useStateText } from "../document-state";
import { useDocumentActions } from "../use-document-actions";

const FilingDialog = lazy(() => import("./filing-dialog").then((module) => ({ default: module.FilingDialog })));

interface Props {
  document: DocumentView;
  /** In which it is shown. */
  collection: CollectionView | undefined;
  collections: readonly CollectionView[];
  open: () => void;
}

export function DocumentRow({ document, collection, collections, open }: Props) {
  const { t } = useTranslation();
  const stateOf = useStateText();
  const actions = useDocumentActions();
  const menu = useMenuAnchor();
  const [isRenaming, setRenaming] = useState(false);
  const [isFiling, setFiling] = useState(false);
  const { name, status, is_own: isOwn } = document;
  const share = shareRead(document);
  const canOpen = status === "ready" || document.num_pages_read > 0;
  const own: MenuAction[] = [
    { icon: "edit", label: t("documents.rename"), act: () => setRenaming(true) },
    { icon: "folder", label: t("documents.file"), act: () => setFiling(true) },
    ...(isOnItsWay(document)
      ? [{ icon: "pause", label: t("documents.pause"), act: () => actions.act(document, "pause") } as const]
      : []),
    ...(status === "paused"
      ? [{ icon: "play", label: t("documents.resume"), act: () => actions.act(document, "resume") } as const]
      : []),
    ...(status === "failed"
      ? [{ icon: "retry", label: t("common.retry"), act: () => actions.act(document, "retry") } as const]
      : []),
  ];
  const takesOut: MenuAction[] =
    collection && collection.role !== "reader"
      ? [
          {
            icon: "close",
            label: t("documents.takeOut"),
            act: () => actions.file(document, collection.collection_id, false),
          },
        ]
      : [];
  const download: MenuAction = {
    icon: "download",
    label: t("documents.download"),
    href: contentHref(document.document_id),
  };
  const remove: MenuAction = {
    icon: "trash",
    label: t("documents.delete"),
    act: () => actions.remove(document),
    isDangerous: true,
  };
  return (
    <Box
      component="li"
      data-status={status}
      sx={{
        display: "flex",
        alignItems: "center",
        gap: 1,
        py: 0.75,
        borderTop: 1,
        borderColor: "divider",
        "&:first-of-type": { borderTop: 0 },
      }}
    >
      {isRenaming ? (
        <NameField
          title={name}
          label={t("documents.name")}
          finish={(value) => {
            setRenaming(false);
            const given = value?.normalize("NFC").trim();
            if (given && given !== name) actions.rename(document, given);
          }}
        />
      ) : (
        <ButtonBase
          onClick={open}
          disabled={!canOpen}
          sx={{
            flex: 1,
            minWidth: 0,
            minHeight: 44,
            gap: 1.5,
            px: 1,
            borderRadius: 1,
            justifyContent: "flex-start",
            textAlign: "start",
            font: "inherit",
            "&:hover": { bgcolor: "action.hover" },
          }}
        >
          <Icon name={status === "failed" ? "warning" : "file"} />
          <Box component="span" sx={{ flex: 1, minWidth: 0 }}>
            <Box component="span" className="ellipsis" dir="auto" sx={{ display: "block", fontWeight: 550 }}>
              {name}
            </Box>
            <Box
              component="span"
              sx={{
                display: "block",
                fontSize: "0.85rem",
                overflowWrap: "anywhere",
                color: status === "failed" ? "error.main" : "text.secondary",
              }}
            >
              {[stateOf(document), !isOwn && t("documents.ownedBy", { name: document.owner_name })]
                .filter(Boolean)
                .join(" · ")}
            </Box>
            {status === "reading" && share !== null && (
              <Box component="span" sx={{ display: "block", mt: 0.5 }}>
                <Meter label={t("documents.readingOf", { name })} share={share} />
              </Box>
            )}
          </Box>
        </ButtonBase>
      )}
      <IconAction
        icon="more"
        label={t("documents.menu", { name })}
        aria-haspopup="menu"
        onClick={menu.open}
        className="row-more"
      />
      {menu.wasOpened && (
        <ActionMenu
          anchor={menu.anchor}
          close={menu.close}
          actions={isOwn ? [...own, ...takesOut, download, remove] : [...takesOut, download]}
        />
      )}
      <Suspense>
        {isFiling && (
          <FilingDialog
            document={document}
            collections={collections.filter(({ role }) => role !== "reader")}
            close={() => setFiling(false)}
          />
        )}
      </Suspense>
    </Box>
  );
}
