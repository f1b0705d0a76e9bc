/** What can be done with a document or a collection. What fails is said; what is deleted can be brought back. */
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { heardCollection, heardDocument, heardDocumentGone } from "@/api/document-news";
import {
  actOn,
  createCollection,
  type DocumentAct,
  deleteCollection,
  deleteDocument,
  fileDocument,
  removeCollectionMember,
  renameCollection,
  renameDocument,
  restoreCollection,
} from "@/api/documents";
import type { CollectionView, DocumentView } from "@/api/types.gen";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";

export function useDocumentActions() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { show } = useNotices();
  const textOf = useErrorText();

  /** undefined: it failed, and that was said. */
  const tell = async <Done>(doing: Promise<Done>): Promise<Done | undefined> => {
    try {
      return await doing;
    } catch (error) {
      show({ text: textOf(error) });
      return undefined;
    }
  };
  const changed = async (doing: Promise<DocumentView>) => {
    const document = await tell(doing);
    if (document) heardDocument(queries, document);
  };
  const collected = async (doing: Promise<unknown>) => {
    await tell(doing);
    heardCollection(queries);
  };

  return {
    act: ({ document_id: id }: DocumentView, act: DocumentAct) => changed(actOn(id, act)),
    rename: ({ document_id: id }: DocumentView, name: string) => changed(renameDocument(id, name)),
    remove: async ({ document_id: id, name }: DocumentView) => {
      const doing = deleteDocument(id).then(() => true);
      if (!(await tell(doing))) return;
      heardDocumentGone(queries);
      const undo = () => changed(actOn(id, "restore")).then(() => heardDocumentGone(queries));
      show({ text: t("documents.deleted", { name }), action: { label: t("common.undo"), onClick: undo } });
    },
    file: (document: DocumentView, collectionId: string, isIn: boolean) =>
      collected(fileDocument(document.document_id, collectionId, isIn)),
    createCollection: async (name: string): Promise<CollectionView | undefined> => {
      const made = await tell(createCollection(name));
      heardCollection(queries);
      return made;
    },
    renameCollection: ({ collection_id: id }: CollectionView, name: string) => collected(renameCollection(id, name)),
    removeCollection: async ({ collection_id: id, name }: CollectionView) => {
      const doing = deleteCollection(id).then(() => true);
      if (!(await tell(doing))) return;
      heardCollection(queries);
      const undo = () => collected(restoreCollection(id));
      show({ text: t("documents.collectionDeleted", { name }), action: { label: t("common.undo"), onClick: undo } });
    },
    leaveCollection: ({ collection_id: id }: CollectionView) => collected(removeCollectionMember(id, "me")),
  };
}
