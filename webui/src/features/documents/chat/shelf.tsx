/** Above the field where messages are written: the documents that the chat is asked about, and what is on its way. */

import Box from "@mui/material/Box";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useEffectEvent } from "react";
import { useTranslation } from "react-i18next";
import type { HeldIds } from "@/api/documents";
import type { CollectionView, DocumentView, PreviewView } from "@/api/types.gen";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";
import { useFormat } from "@/ui/use-format";
import { isOnItsWay } from "../document-state";
import { UploadList } from "../upload-list";
import { useUploads } from "../uploads";
import { CollectionChip, DocumentChip } from "./document-chip";
import {
  changePlace,
  type Place,
  uploadsAt,
  withCollection,
  withDocument,
  withoutCollection,
  withoutDocument,
} from "./places";
import { useShelf } from "./use-shelf";

export { attach } from "./places";

const ChooseDialog = lazy(() => import("./choose-dialog").then((module) => ({ default: module.ChooseDialog })));

interface Props {
  place: Place;
  preview: PreviewView | undefined;
  isChoosing: boolean;
  stopChoosing: () => void;
  onUploads: (numUploads: number) => void;
}

export function Shelf({ place, preview, isChoosing, stopChoosing, onUploads }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const textOf = useErrorText();
  const { show } = useNotices();
  const { documents, collections } = useShelf(place);
  const at = uploadsAt(place);
  const numUploads = useUploads(
    ({ items }) => items.filter((each) => each.place === at && each.state !== "failed").length,
  );
  const tellUploads = useEffectEvent(onUploads);
  useEffect(() => tellUploads(numUploads), [numUploads]);

  const change = async (of: (before: HeldIds) => HeldIds): Promise<boolean> => {
    try {
      await changePlace(place, queries, of);
      return true;
    } catch (error) {
      show({ text: textOf(error) });
      return false;
    }
  };
  const removeDocument = async ({ document_id: id, name }: DocumentView) => {
    if (!(await change(withoutDocument(id)))) return;
    const undo = () => change(withDocument(id));
    show({ text: t("documents.removedFromChat", { name }), action: { label: t("common.undo"), onClick: undo } });
  };
  const removeCollection = async ({ collection_id: id, name }: CollectionView) => {
    if (!(await change(withoutCollection(id)))) return;
    const undo = () => change(withCollection(id));
    show({ text: t("documents.removedFromChat", { name }), action: { label: t("common.undo"), onClick: undo } });
  };

  const numTokens = preview?.num_document_tokens ?? 0;
  const notes = [
    documents.some(isOnItsWay) && t("documents.partly"),
    numTokens > 0 && t("documents.cost", { num: format.number(numTokens) }),
  ].filter(Boolean);
  const isEmpty = documents.length + collections.length === 0;
  return (
    <>
      <UploadList place={at} />
      {!isEmpty && (
        <Box
          component="ul"
          aria-label={t("documents.ofChat")}
          sx={{ display: "flex", flexWrap: "wrap", gap: 0.75, m: 0, p: 0.75, listStyle: "none" }}
        >
          {collections.map((collection) => (
            <CollectionChip
              key={collection.collection_id}
              collection={collection}
              remove={() => removeCollection(collection)}
            />
          ))}
          {documents.map((document) => (
            <DocumentChip
              key={document.document_id}
              document={document}
              use={preview?.documents?.[document.document_id]}
              remove={() => removeDocument(document)}
            />
          ))}
        </Box>
      )}
      {notes.length > 0 && (
        <Box role="status" sx={{ px: 1.25, pb: 0.5, fontSize: "0.8rem", color: "text.secondary" }}>
          {notes.join(" ")}
        </Box>
      )}
      <Suspense>
        {isChoosing && (
          <ChooseDialog documents={documents} collections={collections} change={change} close={stopChoosing} />
        )}
      </Suspense>
    </>
  );
}
