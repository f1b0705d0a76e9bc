/** What a place has: its documents and collections as they are now. */
import { useQueries, useQuery } from "@tanstack/react-query";
import { chatDocumentsQuery, collectionsQuery, documentQuery } from "@/api/documents";
import type { CollectionView, DocumentView } from "@/api/types.gen";
import type { Place } from "./places";

interface ShelfContent {
  documents: readonly DocumentView[];
  collections: readonly CollectionView[];
}

export function useShelf(place: Place): ShelfContent {
  const sessionId = "sessionId" in place ? place.sessionId : "";
  const ids = "sessionId" in place ? { document_ids: [], collection_ids: [] } : place.ids;
  const ofChat = useQuery({ ...chatDocumentsQuery(sessionId), enabled: sessionId !== "" });
  const named = useQueries({ queries: ids.document_ids.map((id) => documentQuery(id)) });
  const collections = useQuery({ ...collectionsQuery, enabled: ids.collection_ids.length > 0 });
  if (sessionId) return ofChat.data ?? { documents: [], collections: [] };
  return {
    documents: named.flatMap(({ data }) => (data ? [data] : [])),
    collections: collections.data?.filter((each) => ids.collection_ids.includes(each.collection_id)) ?? [],
  };
}
