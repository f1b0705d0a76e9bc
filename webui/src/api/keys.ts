/** The names under which answers are kept in the query cache. A shorter one stands for all that begin with it. */
import type { Endpoints } from "./types.gen";

export type SessionFilter = NonNullable<Endpoints["GET /api/sessions"]["query"]>;

export const keys = {
  /** Models that an admin could fetch. */
  offers: ["offers"] as const,
  me: ["me"],
  models: ["models"],
  sessions: ["sessions"],
  lists: ["sessions", "list"],
  chats: ["sessions", "one"],
  sessionList: (filter: SessionFilter) => ["sessions", "list", filter],
  folders: ["sessions", "list", "folders"],
  invitations: ["invitations"],
  people: ["people"],
  session: (sessionId: string) => ["sessions", "one", sessionId],
  config: (sessionId: string) => ["sessions", "one", sessionId, "config"],
  messages: (sessionId: string) => ["sessions", "one", sessionId, "messages"],
  members: (sessionId: string) => ["sessions", "one", sessionId, "members"],
  links: (sessionId: string) => ["sessions", "one", sessionId, "links"],
  preview: (sessionId: string, leafId: string, draft: string) =>
    ["sessions", "one", sessionId, "preview", leafId, draft] as const,
  previews: (sessionId: string) => ["sessions", "one", sessionId, "preview"] as const,
  memory: (sessionId: string) => ["sessions", "one", sessionId, "memory"],
  search: (words: string, filter: object) => ["search", words, filter] as const,
  searchIn: (words: string, filter: object, sessionId: string) => ["search", words, filter, sessionId] as const,
  documents: ["documents"],
  documentLists: ["documents", "list"],
  documentList: (filter: object) => ["documents", "list", filter] as const,
  document: (documentId: string) => ["documents", "one", documentId] as const,
  documentPage: (documentId: string, number: number) => ["documents", "page", documentId, number] as const,
  documentHits: (words: string, collectionId: string | undefined) =>
    ["documents", "hits", words, collectionId] as const,
  collections: ["collections"],
  collectionMembers: (collectionId: string) => ["collections", collectionId, "members"] as const,
  chatDocuments: (sessionId: string) => ["sessions", "one", sessionId, "documents"] as const,
  sources: (sessionId: string, messageId: string, version: string) =>
    ["sessions", "one", sessionId, "sources", messageId, version] as const,
  profile: ["profile"],
  logins: ["profile", "logins"],
  apiKeys: ["profile", "keys"],
  usage: ["profile", "usage"],
  sent: ["profile", "sent"],
  shared: (token: string) => ["shared", token],
} as const;
