/** The collection that is shown: whose it is, who else has it, and what can be done with it. */
import Box from "@mui/material/Box";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import type { CollectionView } from "@/api/types.gen";
import { ActionMenu, type MenuAction } from "@/ui/action-menu";
import { IconAction } from "@/ui/icon-action";
import { NameField } from "@/ui/name-field";
import { useMenuAnchor } from "@/ui/use-menu-anchor";
import { useDocumentActions } from "../use-document-actions";

const MembersDialog = lazy(() => import("./members-dialog").then((module) => ({ default: module.MembersDialog })));

interface Props {
  collection: CollectionView;
  /** It is not there any more. */
  leave: () => void;
}

export function CollectionHead({ collection, leave }: Props) {
  const { t } = useTranslation();
  const actions = useDocumentActions();
  const menu = useMenuAnchor();
  const [isRenaming, setRenaming] = useState(false);
  const [isSharing, setSharing] = useState(false);
  const { name, role, num_members: numMembers } = collection;
  const own: MenuAction[] = [
    { icon: "edit", label: t("documents.rename"), act: () => setRenaming(true) },
    { icon: "users", label: t("documents.members"), act: () => setSharing(true) },
    {
      icon: "trash",
      label: t("documents.deleteCollection"),
      act: () => actions.removeCollection(collection).then(leave),
      isDangerous: true,
    },
  ];
  const others: MenuAction[] = [
    {
      icon: "leave",
      label: t("documents.leaveCollection"),
      act: () => actions.leaveCollection(collection).then(leave),
      isDangerous: true,
    },
  ];
  return (
    <Box sx={{ display: "flex", alignItems: "center", gap: 1, mt: 2 }}>
      {isRenaming ? (
        <NameField
          title={name}
          label={t("documents.collectionName")}
          finish={(value) => {
            setRenaming(false);
            const given = value?.normalize("NFC").trim();
            if (given && given !== name) actions.renameCollection(collection, given);
          }}
        />
      ) : (
        <Box sx={{ flex: 1, minWidth: 0 }}>
          <Box component="h2" className="ellipsis" dir="auto" sx={{ m: 0, fontSize: "1.1rem", fontWeight: 650 }}>
            {name}
          </Box>
          <Box sx={{ color: "text.secondary", fontSize: "0.88rem" }}>
            {role === "owner"
              ? t("documents.numMembers", { count: numMembers })
              : `${t("documents.ownedBy", { name: collection.owner_name })} · ${t(`documents.roles.${role}`)}`}
          </Box>
        </Box>
      )}
      <IconAction icon="more" label={t("documents.menu", { name })} aria-haspopup="menu" onClick={menu.open} />
      {menu.wasOpened && (
        <ActionMenu anchor={menu.anchor} close={menu.close} actions={role === "owner" ? own : others} />
      )}
      <Suspense>{isSharing && <MembersDialog collection={collection} close={() => setSharing(false)} />}</Suspense>
    </Box>
  );
}
