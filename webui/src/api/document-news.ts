/** What the live line says of documents and collections, into the query cache. */
import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { keys } from "./keys";
import type { ChatDocumentsView, DocumentView } from "./types.gen";

interface ListPage {
  data: DocumentView[];
  next_cursor: string | null;
}

/** A document as it is now: where it is shown already, without asking again. */
export function heardDocument(queries: QueryClient, document: DocumentView): void {
  const { document_id: id } = document;
  const isSame = (each: DocumentView) => each.document_id === id;
  queries.setQueryData(keys.document(id), document);
  let isListed = false;
  queries.setQueriesData<InfiniteData<ListPage>>({ queryKey: keys.documentLists }, (list) => {
    if (!list?.pages.some((page) => page.data.some(isSame))) return list;
    isListed = true;
    const pages = list.pages.map((page) => ({
      ...page,
      data: page.data.map((each) => (isSame(each) ? document : each)),
    }));
    return { ...list, pages };
  });
  if (!isListed) queries.invalidateQueries({ queryKey: keys.documentLists });
  queries.setQueriesData<ChatDocumentsView>({ queryKey: keys.chats, predicate: isOfChat }, (chat) => {
    if (!chat?.documents.some(isSame)) return chat;
    return { ...chat, documents: chat.documents.map((each) => (isSame(each) ? document : each)) };
  });
}

export function heardDocumentGone(queries: QueryClient): void {
  queries.invalidateQueries({ queryKey: keys.documents });
  queries.invalidateQueries({ queryKey: keys.chats, predicate: (query) => isOfChat(query) || isSources(query) });
}

export function heardCollection(queries: QueryClient): void {
  queries.invalidateQueries({ queryKey: keys.collections });
  heardDocumentGone(queries);
}

function isOfChat({ queryKey }: { queryKey: readonly unknown[] }): boolean {
  return queryKey[3] === "documents"; // keys.chatDocuments
}

function isSources({ queryKey }: { queryKey: readonly unknown[] }): boolean {
  return queryKey[3] === "sources"; // keys.sources
}
