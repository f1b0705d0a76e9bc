/** The administration's names in the query cache, and how often what moves is asked for. */
import type { Endpoints } from "@/api/types.gen";

type Query<Path extends keyof Endpoints> = Endpoints[Path]["query"];

/** While the page is seen; a hidden one asks nothing. */
export const POLL_MS = 2000;

export const adminKeys = {
  all: ["admin"],
  overview: ["admin", "overview"],
  engines: ["admin", "engines"],
  running: ["admin", "running"],
  requests: ["admin", "requests"],
  models: ["admin", "models"],
  /** A part of nothing here: what becomes of our models changes no repository. */
  hubFiles: (repo: string) => ["admin", "hub", repo],
  pulls: ["admin", "pulls"],
  pins: ["admin", "pins"],
  users: ["admin", "users"],
  loads: ["admin", "loads"],
  userList: (search: string) => ["admin", "users", search],
  invitations: ["admin", "invitations"],
  keys: ["admin", "keys"],
  keyList: (withRevoked: boolean) => ["admin", "keys", withRevoked],
  usage: (query: Query<"GET /api/admin/usage">) => ["admin", "usage", query],
  audit: (filters: Query<"GET /api/admin/audit.jsonl">) => ["admin", "audit", filters],
  storage: ["admin", "storage"],
  backups: ["admin", "backups"],
} as const;
