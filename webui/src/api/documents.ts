/** What the page asks of documents and collections. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { call, urlOf } from "./client";
import { ApiError, errorOf } from "./errors";
import { keys } from "./keys";
import type { ChatDocumentIds, CollectionMemberView, DocumentView } from "./types.gen";

const PAGE = 50;

/** Which documents a list shows. */
export interface DocumentFilter {
  q?: string;
  collection_id?: string;
}

export const documentsQuery = (filter: DocumentFilter) =>
  infiniteQueryOptions({
    queryKey: keys.documentList(filter),
    queryFn: ({ signal, pageParam }) =>
      call("GET /api/documents", {
        query: { limit: PAGE, ...filter, ...(pageParam ? { cursor: pageParam } : {}) },
        signal,
      }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });

export const documentQuery = (documentId: string) =>
  queryOptions({
    queryKey: keys.document(documentId),
    queryFn: ({ signal }) => call("GET /api/documents/{document_id}", { path: { document_id: documentId }, signal }),
  });

export const pageQuery = (documentId: string, number: number) =>
  queryOptions({
    queryKey: keys.documentPage(documentId, number),
    queryFn: ({ signal }) =>
      call("GET /api/documents/{document_id}/pages/{number}", {
        path: { document_id: documentId, number: String(number) },
        signal,
      }),
    staleTime: Number.POSITIVE_INFINITY, // the same bytes are read the same way
  });

export const collectionsQuery = queryOptions({
  queryKey: keys.collections,
  queryFn: ({ signal }) => call("GET /api/collections", { signal }),
  select: ({ data }) => data,
});

export const collectionMembersQuery = (collectionId: string) =>
  queryOptions({
    queryKey: keys.collectionMembers(collectionId),
    queryFn: ({ signal }) =>
      call("GET /api/collections/{collection_id}/members", {
        path: { collection_id: collectionId },
        signal,
      }),
    select: ({ data }) => data,
  });

export const chatDocumentsQuery = (sessionId: string) =>
  queryOptions({
    queryKey: keys.chatDocuments(sessionId),
    queryFn: ({ signal }) =>
      call("GET /api/sessions/{session_id}/documents", { path: { session_id: sessionId }, signal }),
  });

/** Of an answer: those that it cites, then those that its question brought. `version`: another has others. */
export const sourcesQuery = (sessionId: string, messageId: string, version: string) =>
  queryOptions({
    queryKey: keys.sources(sessionId, messageId, version),
    queryFn: ({ signal }) =>
      call("GET /api/sessions/{session_id}/messages/{message_id}/sources", {
        path: { session_id: sessionId, message_id: messageId },
        signal,
      }),
    staleTime: Number.POSITIVE_INFINITY,
    select: ({ sources }) => sources,
  });

export const hitsQuery = (query: string, collectionId: string | undefined) =>
  queryOptions({
    queryKey: keys.documentHits(query, collectionId),
    queryFn: ({ signal }) =>
      call("POST /api/documents/search", {
        body: { query, limit: 20, ...(collectionId ? { collection_ids: [collectionId] } : {}) },
        signal,
      }),
  });

export type DocumentAct = "pause" | "resume" | "retry" | "restore";

export function actOn(documentId: string, act: DocumentAct) {
  return call(`POST /api/documents/{document_id}/${act}` as const, { path: { document_id: documentId } });
}

export function renameDocument(documentId: string, name: string) {
  return call("PATCH /api/documents/{document_id}", {
    path: { document_id: documentId },
    body: { name },
  });
}

export function deleteDocument(documentId: string) {
  return call("DELETE /api/documents/{document_id}", { path: { document_id: documentId } });
}

/** What a chat has. */
export type HeldIds = Required<ChatDocumentIds>;

export function putChatDocuments(sessionId: string, body: HeldIds) {
  return call("PUT /api/sessions/{session_id}/documents", {
    path: { session_id: sessionId },
    body,
  });
}

export function createCollection(name: string) {
  return call("POST /api/collections", { body: { name } });
}

export function renameCollection(collectionId: string, name: string) {
  return call("PATCH /api/collections/{collection_id}", {
    path: { collection_id: collectionId },
    body: { name },
  });
}

export function deleteCollection(collectionId: string) {
  return call("DELETE /api/collections/{collection_id}", { path: { collection_id: collectionId } });
}

export function restoreCollection(collectionId: string) {
  return call("POST /api/collections/{collection_id}/restore", {
    path: { collection_id: collectionId },
  });
}

/** Puts a document into a collection, or takes it out. */
export function fileDocument(documentId: string, collectionId: string, isIn: boolean) {
  const path = { collection_id: collectionId, document_id: documentId };
  return isIn
    ? call("PUT /api/collections/{collection_id}/documents/{document_id}", { path })
    : call("DELETE /api/collections/{collection_id}/documents/{document_id}", { path });
}

export function putCollectionMember(collectionId: string, username: string, role: CollectionMemberView["role"]) {
  return call("PUT /api/collections/{collection_id}/members/{username}", {
    path: { collection_id: collectionId, username },
    body: { role },
  });
}

/** `username` "me": one leaves. */
export function removeCollectionMember(collectionId: string, username: string) {
  return call("DELETE /api/collections/{collection_id}/members/{username}", {
    path: { collection_id: collectionId, username },
  });
}

export function contentHref(documentId: string): string {
  return urlOf("/api/documents/{document_id}/content", { document_id: documentId }, undefined);
}

interface Sending {
  /** How much of the file the server has, 0 to 1. */
  onSent: (share: number) => void;
  signal: AbortSignal;
}

/** Over XMLHttpRequest, because fetch does not tell how much of a body has been sent. */
export function uploadDocument(file: File, { onSent, signal }: Sending): Promise<DocumentView> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", urlOf("/api/documents", undefined, { name: file.name.normalize("NFC") }));
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.onprogress = ({ loaded, total }) => onSent(total > 0 ? loaded / total : 0);
    request.onload = () => {
      const body = jsonOf(request.responseText);
      if (request.status === 200 || request.status === 201) resolve(body as DocumentView);
      else reject(errorOf(request.status, body, new Headers()));
    };
    request.onerror = () => reject(new ApiError("offline", "The server cannot be reached."));
    request.onabort = () => reject(new ApiError("stopped", "It was stopped."));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
