/** The documents of a chat, or of one that has not begun: read, added to, taken from. */
import type { QueryClient } from "@tanstack/react-query";
import { heardDocument } from "@/api/document-news";
import { chatDocumentsQuery, type HeldIds, putChatDocuments } from "@/api/documents";
import { keys } from "@/api/keys";
import { inTurn } from "@/lib/in-turn";
import { useUploads } from "../uploads";

export type Place = { sessionId: string } | { ids: HeldIds; change: (of: (before: HeldIds) => HeldIds) => void };

export function uploadsAt(place: Place): string {
  return "sessionId" in place ? place.sessionId : "new";
}

/** Two files that arrive together must not each put the other away. */
const oneByOne = inTurn();

/** Rejects with ApiError: then they are as they were. */
export async function changePlace(place: Place, queries: QueryClient, of: (before: HeldIds) => HeldIds): Promise<void> {
  if (!("sessionId" in place)) return place.change(of);
  const { sessionId } = place;
  await oneByOne(async () => {
    const { documents, collections } = await queries.fetchQuery({ ...chatDocumentsQuery(sessionId), staleTime: 0 });
    const now = await putChatDocuments(
      sessionId,
      of({
        document_ids: documents.map((each) => each.document_id),
        collection_ids: collections.map((each) => each.collection_id),
      }),
    );
    queries.setQueryData(keys.chatDocuments(sessionId), now);
    queries.invalidateQueries({ queryKey: keys.previews(sessionId) });
  });
}

export const withDocument = (id: string) => (before: HeldIds) => ({
  ...before,
  document_ids: [...before.document_ids.filter((each) => each !== id), id],
});

export const withoutDocument = (id: string) => (before: HeldIds) => ({
  ...before,
  document_ids: before.document_ids.filter((each) => each !== id),
});

export const withCollection = (id: string) => (before: HeldIds) => ({
  ...before,
  collection_ids: [...before.collection_ids.filter((each) => each !== id), id],
});

export const withoutCollection = (id: string) => (before: HeldIds) => ({
  ...before,
  collection_ids: before.collection_ids.filter((each) => each !== id),
});

/** Files that become documents of the place. */
export function attach(files: readonly File[], place: Place, queries: QueryClient): void {
  useUploads.getState().begin(files, uploadsAt(place), (document) => {
    heardDocument(queries, document);
    return changePlace(place, queries, withDocument(document.document_id));
  });
}
