/** In which collections a document is. */
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import FormControlLabel from "@mui/material/FormControlLabel";
import Typography from "@mui/material/Typography";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import type { CollectionView, DocumentView } from "@/api/types.gen";
import { NameField } from "@/ui/name-field";
import { useDocumentActions } from "../use-document-actions";

interface Props {
  document: DocumentView;
  /** Those that the reader may put something into. */
  collections: readonly CollectionView[];
  close: () => void;
}

export function FilingDialog({ document, collections, close }: Props) {
  const { t } = useTranslation();
  const titleId = useId();
  const actions = useDocumentActions();
  const [isNaming, setNaming] = useState(false);
  const create = async (given: string | null) => {
    setNaming(false);
    const name = given?.normalize("NFC").trim();
    if (!name) return;
    const made = await actions.createCollection(name);
    if (made) actions.file(document, made.collection_id, true);
  };
  return (
    <Dialog open onClose={close} fullWidth maxWidth="xs" aria-labelledby={titleId}>
      <DialogTitle id={titleId} sx={{ overflowWrap: "anywhere" }}>
        {t("documents.fileTitle", { name: document.name })}
      </DialogTitle>
      <DialogContent sx={{ display: "flex", flexDirection: "column", alignItems: "flex-start" }}>
        {collections.length === 0 && <Typography color="textSecondary">{t("documents.noCollection")}</Typography>}
        {collections.map((collection) => {
          const isIn = document.collection_ids.includes(collection.collection_id);
          return (
            <FormControlLabel
              key={collection.collection_id}
              control={
                <Checkbox checked={isIn} onChange={() => actions.file(document, collection.collection_id, !isIn)} />
              }
              label={<bdi>{collection.name}</bdi>}
            />
          );
        })}
        {isNaming ? (
          <NameField title="" label={t("documents.collectionName")} finish={create} />
        ) : (
          <Button size="small" onClick={() => setNaming(true)}>
            {t("documents.newCollection")}
          </Button>
        )}
      </DialogContent>
      <DialogActions>
        <Button onClick={close}>{t("common.close")}</Button>
      </DialogActions>
    </Dialog>
  );
}
