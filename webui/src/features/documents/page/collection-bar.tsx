/** Which collection is shown: all documents, one of them, or a new one. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { CollectionView } from "@/api/types.gen";
import { Icon } from "@/ui/icon";
import { NameField } from "@/ui/name-field";
import { useDocumentActions } from "../use-document-actions";

interface Props {
  collections: readonly CollectionView[];
  chosenId: string | undefined;
  choose: (collectionId: string | undefined) => void;
}

export function CollectionBar({ collections, chosenId, choose }: Props) {
  const { t } = useTranslation();
  const { createCollection } = useDocumentActions();
  const [isNaming, setNaming] = useState(false);
  const create = async (given: string | null) => {
    setNaming(false);
    const name = given?.normalize("NFC").trim();
    const made = name ? await createCollection(name) : undefined;
    if (made) choose(made.collection_id);
  };
  return (
    <Box
      role="group"
      aria-label={t("documents.collections")}
      sx={{ display: "flex", flexWrap: "wrap", gap: 0.75, alignItems: "center" }}
    >
      <Choice name={t("documents.all")} isChosen={chosenId === undefined} choose={() => choose(undefined)} />
      {collections.map(({ collection_id: id, name, num_documents: num }) => (
        <Choice key={id} name={`${name} (${num})`} isChosen={id === chosenId} choose={() => choose(id)} />
      ))}
      {isNaming ? (
        <Box sx={{ flex: "0 1 240px" }}>
          <NameField title="" label={t("documents.collectionName")} finish={create} />
        </Box>
      ) : (
        <Button size="small" startIcon={<Icon name="plus" size={16} />} onClick={() => setNaming(true)}>
          {t("documents.newCollection")}
        </Button>
      )}
    </Box>
  );
}

function Choice({ name, isChosen, choose }: { name: string; isChosen: boolean; choose: () => void }) {
  return (
    <Button
      size="small"
      variant={isChosen ? "contained" : "outlined"}
      color={isChosen ? "primary" : "inherit"}
      aria-pressed={isChosen}
      onClick={choose}
      sx={{ borderRadius: 99, maxWidth: "100%" }}
    >
      <bdi className="ellipsis">{name}</bdi>
    </Button>
  );
}
