/** The frames of the live sockets, src/bdchat/api/schemas/live.py. Made by scripts/webui_types.py: never edited by hand. */

/** First of all, from who has no cookie. */
export type SaidAuth = { type: "auth"; token: string };

/** `parent_id` absent: below the session's head; null: a new root. `params`: fields of /v1/chat/completions. */
export type SaidChatMessage = { type: "chat_message"; content: string; parent_id?: string | null; client_message_id?: string | null; params?: Record<string, unknown> };

/** The answer goes on where it stopped. */
export type SaidContinue = { type: "continue"; message_id: string };

/** The message said otherwise: a sibling, and an answer to it. */
export type SaidEdit = { type: "edit"; message_id: string; content: string; client_message_id?: string | null; params?: Record<string, unknown> };

/** The last number seen of each answer; running ones that are not named are sent from their beginning. */
export type SaidHello = { last?: Record<string, number>; type: "hello" };

export type SaidPing = { type: "ping" };

export type SaidPong = { type: "pong" };

/** Another answer beside this one. */
export type SaidRegenerate = { type: "regenerate"; message_id: string; params?: Record<string, unknown> };

export type SaidStop = { type: "stop"; generation_id: string };

export type SaidTyping = { type: "typing"; is_typing?: boolean };

export type SaidFrame = SaidAuth | SaidHello | SaidChatMessage | SaidEdit | SaidRegenerate | SaidContinue | SaidStop | SaidTyping | SaidPing | SaidPong;

/** The message is stored and its answer is a generation now; the same again for the same client_message_id. `answers`: the type of the frame that it answers. */
export type HeardAccepted = { type: "accepted"; answers: string; client_message_id: string | null; generation_id: string; message_id: string | null; user_message_id: string | null; is_new: boolean };

/** `text` continues the run's text; `seq` is the number of the last event in it. */
export type HeardAiChunk = { type: "ai_chunk"; generation_id: string; message_id: string | null; seq: number; text: string };

export type HeardAiComplete = { type: "ai_complete"; generation_id: string; message_id: string | null; seq: number; state: string; finish_reason: string | null; usage: Record<string, unknown>; error?: Record<string, unknown> | null; retry_after_s?: number | null };

/** `text` is all of the run's text so far; what came before counts for nothing. A server had died. */
export type HeardAiReset = { type: "ai_reset"; generation_id: string; message_id: string | null; seq: number; text: string };

/** A run of the model for an answer. `prefix`: the answer's text from earlier runs, which this one continues. */
export type HeardAiStart = { type: "ai_start"; generation_id: string; message_id: string | null; seq: number; prefix: string; model: string; num_dropped_messages: number };

/** The last event of a stream over HTTP: the close code of the socket that it stands for. */
export type HeardClosing = { type: "close"; code: number; reason: string };

export type HeardCollectionChange = { type: "collection.changed"; collection: Record<string, unknown> };

/** Deleted, or one sees it no longer. */
export type HeardCollectionGone = { type: "collection.deleted"; collection_id: string };

/** A document that one sees is new, or has another state: twice a second at most while it is read. */
export type HeardDocumentChange = { type: "document.changed"; document: Record<string, unknown> };

export type HeardDocumentGone = { type: "document.deleted"; document_id: string };

/** `error` is OpenAI's object; `answers` and `client_message_id` of the frame that it answers, if it had them. */
export type HeardFailure = { type: "error"; error: unknown; answers?: string | null; client_message_id?: string | null; retry_after_s?: number | null };

export type HeardMessageChange = { type: "message"; event: string; message: Record<string, unknown> };

export type HeardNotification = { type: "notification"; kind: string; data: Record<string, unknown> };

export type HeardPingOut = { type: "ping" };

export type HeardPongOut = { type: "pong" };

/** Prompt tokens. `eta_s`: until its first word. */
export type HeardPrefill = { type: "prefill"; generation_id: string; done: number; total: number; cached: number; eta_s: number | null };

/** Everybody who has a shared session open, each once however many tabs. */
export type HeardPresent = { type: "presence"; users: Array<Record<string, string>> };

/** `is_paused`: it had a place, gave way to others and goes on by itself. `eta_s`: until its next word. */
export type HeardQueue = { type: "queue"; generation_id: string; position: number | null; is_paused: boolean; eta_s: number | null };

/** The servers lost sight of each other for a while: read messages and sessions again. Answers resume by themselves. */
export type HeardResync = { type: "resync" };

/** `session_ids` of "changed_many" and "deleted_many": read the list again. */
export type HeardSessionChange = { type: "session"; event: string; session_id?: string | null; session?: Record<string, unknown> | null; session_ids?: Array<string> | null };

export type HeardTypingNow = { type: "typing"; user_id: string; username: string; is_typing: boolean };

/** The first frame of a connection that was let in. Another `server_id` than before: the server was restarted. */
export type HeardWelcome = { type: "hello"; server_id: string; user_id: string; session_id?: string | null; role?: string | null };

export type HeardFrame = HeardWelcome | HeardAccepted | HeardAiStart | HeardAiChunk | HeardAiReset | HeardAiComplete | HeardQueue | HeardPrefill | HeardMessageChange | HeardSessionChange | HeardDocumentChange | HeardDocumentGone | HeardCollectionChange | HeardCollectionGone | HeardTypingNow | HeardPresent | HeardNotification | HeardResync | HeardFailure | HeardPingOut | HeardPongOut | HeardClosing;
