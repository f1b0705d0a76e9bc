/** What /api and /v1 take and give. Made by scripts/webui_types.py: never edited by hand. */

export type AccountDeletion = { current_password: string };

/** `user_id` "" is all who have no account. `num_running` and `num_waiting` are of all models together. */
export type AccountLoad = { user_id: string; username: string | null; bounds: BoundsView; has_own: boolean; num_running: number; num_waiting: number; num_tokens: number };

/** Those that have limits of their own, or asked anything in the last minute; who runs and waits most first. */
export type AccountLoads = { usual: BoundsView; data: Array<AccountLoad>; num_more: number };

export type AccountView = { user_id: string; username: string; num_messages: number; num_bytes: number; quota_bytes: number };

export type AllUsage = { first_day: string; last_day: string; time_zone: string | null; data: Array<AllUsageRow>; total: UsageSums };

/** `by`: what is told apart; "" sums everything up. */
export type AllUsageQuery = { from?: string | null; to?: string | null; time_zone?: string | null; by?: string; user_id?: string | null; model?: string | null };

/** Null: not told apart. */
export type AllUsageRow = { num_requests: number; num_messages: number; prompt_tokens: number; cached_tokens: number; completion_tokens: number; engine_ms: number; day: string | null; user_id: string | null; username: string | null; model: string | null };

export type AnthropicError = { type: "error"; error: { type: string; message: string }; request_id: string };

export type AnthropicMessage = { id: string; type: "message"; role: "assistant"; model: string; content: Array<Record<string, unknown>>; stop_reason: "end_turn" | "max_tokens" | "stop_sequence" | "tool_use" | null; stop_sequence: string | null; usage: AnthropicUsage };

/** Anthropic counts apart what was found in the cache: the three input counts together are the prompt. */
export type AnthropicUsage = { input_tokens: number; cache_read_input_tokens: number; cache_creation_input_tokens: number; output_tokens: number };

/** `content` null: the answer is calls. What there is none of is left out. */
export type AssistantMessage = { role: "assistant"; content: string | null; refusal: string | null; reasoning_content?: string; tool_calls?: Array<ToolCallView>; function_call?: CalledFunctionView | null };

export type AuditFilters = { action?: string | null; actor?: string | null; since_ms?: number | null; until_ms?: number | null };

export type AuditPage = { data: Array<AuditView>; names: Record<string, string>; next_cursor: string | null };

export type AuditQuery = { action?: string | null; actor?: string | null; since_ms?: number | null; until_ms?: number | null; limit?: number; cursor?: string | null };

export type AuditView = { entry_id: string; at_ms: number; actor_id: string; actor_name: string; action: string; target: string; detail: Record<string, unknown>; ip: string };

export type BackupList = { data: Array<BackupView> };

export type BackupView = { name: string; num_bytes: number; made_at_ms: number };

/** 0 = no bound. */
export type BoundsView = { max_running: number; max_queued: number; tokens_per_minute: number };

/** What to do with all of them. `is_deleted` false brings back. */
export type BulkChanges = { session_ids: Array<string>; folder?: string | null; is_pinned?: boolean | null; is_archived?: boolean | null; is_deleted?: boolean | null };

/** Prompt tokens that were not computed, by where they were found. */
export type CacheCounts = { resident: number; ram: number; disk: number };

export type CalledFunction = { name: string; arguments?: unknown };

export type CalledFunctionView = { name: string; arguments: string };

export type ChangedSessions = { session_ids: Array<string> };

export type ChatChoice = { index: number; message: AssistantMessage; logprobs: Record<string, unknown> | null; finish_reason: "stop" | "length" | "tool_calls" | "function_call" | "cancelled" };

export type ChatCompletion = { id: string; object: "chat.completion"; created: number; model: string; system_fingerprint: string | null; choices: Array<ChatChoice>; usage: Usage };

export type ChatCompletionRequest = { tools?: Array<Tool> | null; tool_choice?: unknown; parallel_tool_calls?: boolean | null; functions?: Array<FunctionDefinition> | null; function_call?: unknown; response_format?: unknown; guided_json?: unknown; guided_regex?: unknown; guided_choice?: unknown; guided_grammar?: unknown; structured_outputs?: unknown; grammar?: unknown; json_schema?: unknown; model?: string | null; stream?: boolean | null; stream_options?: StreamOptions | null; temperature?: number | null; top_p?: number | null; presence_penalty?: number | null; frequency_penalty?: number | null; n?: number | null; seed?: number | null; stop?: Array<string> | null; logit_bias?: unknown; user?: unknown; service_tier?: unknown; n_predict?: number | null; num_predict?: number | null; top_k?: number | null; min_p?: number | null; repeat_penalty?: number | null; repetition_penalty?: number | null; repeat_last_n?: number | null; ignore_eos?: boolean | null; cache_prompt?: boolean | null; deterministic?: boolean | null; return_progress?: boolean | null; timings_per_token?: boolean | null; chat_template_kwargs?: unknown; sampling_defaults?: "openai" | "model" | null; messages: Array<Message>; max_tokens?: number | null; max_completion_tokens?: number | null; logprobs?: boolean | null; top_logprobs?: number | null; reasoning_effort?: unknown; verbosity?: unknown; reasoning_format?: "auto" | "deepseek" | "none" | "parsed" | "raw" | "hidden" | null; include_reasoning?: boolean | null; separate_reasoning?: boolean | null; store?: boolean | null; documents?: unknown | null; metadata?: unknown };

/** All that the chat has then. */
export type ChatDocumentIds = { document_ids?: Array<string>; collection_ids?: Array<string> };

/** What a chat's questions are answered from. Named to its members; opened only by who may see them. */
export type ChatDocumentsView = { documents: Array<DocumentView>; collections: Array<CollectionView> };

/** Chats whose titles match first, then those with the newest matches. A page may be shorter than `limit` and still have a `next_cursor`. */
export type ChatHitsPage = { data: Array<ChatHitsView>; words: Array<string>; next_cursor: string | null };

/** A chat with what was found in it: `hits` are the newest of `num_matches`. */
export type ChatHitsView = { session_id: string; title: string; title_highlights: Array<[number, number]>; is_title_found: boolean; updated_at_ms: number; folder: string; is_archived: boolean; is_shared: boolean; num_matches: number; has_more: boolean; hits: Array<HitView> };

export type ChatInvitationList = { data: Array<ChatInvitationView> };

/** What the invited is shown of a chat: nothing else of it. */
export type ChatInvitationView = { invitation_id: string; title: string; owner_name: string; owner_username: string; role: "reader" | "writer"; created_at_ms: number };

/** imported: `session_id` is the new session. skipped: `session_id` is the one that says the same already. `not_kept`: what of the file is not in the session, how many of each kind (store/transfer/reasons.py). */
export type ChatLine = { reason: string | null; reason_code: string | null; reason_values: Record<string, number | string>; type: "chat"; title: string; status: "imported" | "skipped" | "failed"; session_id: string | null; num_messages: number; num_branches: number; file: string; not_kept: Record<string, number> };

/** `parent_id` absent: below the session's head; null: a new root. `params`: fields of /v1/chat/completions. */
export type ChatMessage = { type: "chat_message"; content: string; parent_id?: string | null; client_message_id?: string | null; params?: Record<string, unknown> };

/** Every word of `q` must be there, in the text or in its chat's title; the last one may be a beginning; "quoted words" stand next to each other. */
export type ChatSearchQuery = { q: string; role?: "user" | "assistant" | "system" | "tool" | "title" | null; from?: number | null; to?: number | null; folder?: string | null; archived?: boolean | null; limit?: number; cursor?: string | null };

/** A mark in an answer: `start` to `end` of its content; [1, 2] is two of them, side by side. `is_supported` false: its sentence shares no word with what it cites. `quote_start`, `quote_end`: of the page's text, the sentence that has most of the citing one. */
export type CitationView = { number: number; start: number; end: number; is_supported: boolean; quote_start: number; quote_end: number };

export type CollectionChanges = { name?: string | null; description?: string | null };

export type CollectionList = { data: Array<CollectionView> };

export type CollectionMemberList = { data: Array<CollectionMemberView> };

export type CollectionMemberView = { username: string; display_name: string; role: "reader" | "writer"; created_at_ms: number };

export type CollectionView = { collection_id: string; name: string; description: string; num_documents: number; num_members: number; role: "owner" | "writer" | "reader"; can_open: boolean; owner_name: string; created_at_ms: number; updated_at_ms: number; deleted_at_ms: number | null };

export type Compacted = { num_bytes_given_back: number };

export type CompletionChanges = { metadata?: Record<string, string> | null };

export type CompletionList = { object: "list"; data: Array<StoredCompletion>; first_id: string | null; last_id: string | null; has_more: boolean };

/** `metadata[KEY]=VALUE`, repeatable, are read beside these. */
export type CompletionQuery = { limit?: number; after?: string | null; order?: "asc" | "desc"; model?: string | null };

export type CompletionRequest = { response_format?: unknown; guided_json?: unknown; guided_regex?: unknown; guided_choice?: unknown; guided_grammar?: unknown; structured_outputs?: unknown; grammar?: unknown; json_schema?: unknown; model?: string | null; stream?: boolean | null; stream_options?: StreamOptions | null; temperature?: number | null; top_p?: number | null; presence_penalty?: number | null; frequency_penalty?: number | null; n?: number | null; seed?: number | null; stop?: Array<string> | null; logit_bias?: unknown; user?: unknown; service_tier?: unknown; n_predict?: number | null; num_predict?: number | null; top_k?: number | null; min_p?: number | null; repeat_penalty?: number | null; repetition_penalty?: number | null; repeat_last_n?: number | null; ignore_eos?: boolean | null; cache_prompt?: boolean | null; deterministic?: boolean | null; return_progress?: boolean | null; timings_per_token?: boolean | null; chat_template_kwargs?: unknown; sampling_defaults?: "openai" | "model" | null; prompt: unknown; max_tokens?: number | null; logprobs?: number | null; echo?: boolean | null; best_of?: number | null; suffix?: string | null; add_special_tokens?: boolean | null };

export type CompletionTokensDetails = { reasoning_tokens: number };

export type ConfigBody = { model?: string | null; temperature?: number | null; top_p?: number | null; max_tokens?: number | null; system_prompt?: string | null; context_overflow?: "drop_oldest" | "error" | null; presence_penalty?: number | null; frequency_penalty?: number | null; seed?: number | null; stop?: Array<string> | null; top_k?: number | null; min_p?: number | null; repeat_penalty?: number | null; repeat_last_n?: number | null; chat_template_kwargs?: unknown };

/** null = the model's or the server's default. */
export type ConfigView = { model: string | null; temperature: number | null; top_p: number | null; max_tokens: number | null; system_prompt: string; context_overflow: "drop_oldest" | "error"; presence_penalty: number | null; frequency_penalty: number | null; seed: number | null; stop: Array<string> | null; top_k: number | null; min_p: number | null; repeat_penalty: number | null; repeat_last_n: number | null; chat_template_kwargs: Record<string, unknown> | null };

/** The answer goes on where it stopped. */
export type Continue = { type: "continue"; message_id: string };

export type CountedTokens = { input_tokens: number };

export type CreatedInvitation = { invitation_id: string; note: string; created_by: string; created_at_ms: number; expires_at_ms: number; used_at_ms: number | null; used_by: string | null; code: string; link: PassedLink };

export type CreatedKey = { key_id: string; name: string; prefix: string; scopes: Array<"chat" | "sessions" | "admin">; created_at_ms: number; last_used_at_ms: number | null; expires_at_ms: number | null; is_bulk: boolean; key: string };

/** `username`: the name, or the account's email. */
export type Credentials = { username: string; password: string; cookie?: boolean };

export type DefaultSettings = { n_ctx: number; params: Record<string, number | null> };

export type DeleteQuery = { permanently?: boolean };

export type DeletedCompletion = { id: string; object: "chat.completion.deleted"; deleted: boolean };

export type DeletedFile = { id: string; object: "file"; deleted: boolean };

export type DeletedResponse = { id: string; object: "response"; deleted: boolean };

export type DeletedStoreFile = { id: string; object: "vector_store.file.deleted"; deleted: boolean };

export type DeletedVectorStore = { id: string; object: "vector_store.deleted"; deleted: boolean };

export type DetokenizeRequest = { model?: string | null; tokens: Array<number> };

export type DetokenizedText = { content: string };

export type DocumentChanges = { name: string };

/** `purge`: no way back, and the chats that quote it lose what they quote. */
export type DocumentDeleteQuery = { purge?: boolean };

/** Why it could not be read, as a code of its own and a sentence that says what to do. */
export type DocumentFault = { code: string; message: string };

/** `notes`: why meaning was not searched, or not all of it: "no_embedder", "no_vectors", "vectors_unavailable", "vectors_incomplete". */
export type DocumentHits = { hits: Array<PassageHit>; searched: "words" | "words_and_vectors"; notes: Array<string> };

export type DocumentList = { data: Array<DocumentView>; next_cursor: string | null };

/** `width`, `height`: points (1/72 inch); 0 where nothing is drawn. `boxes`: of each line, as [start, end, left, top, right, bottom] from the top left corner. */
export type DocumentPageView = { document_id: string; number: number; num_pages: number | null; label: string; text: string; width: number; height: number; boxes: Array<[number, number, number, number, number, number]>; blocks: Array<["heading" | "paragraph" | "list" | "table" | "code" | "note", number, number, number]>; is_scanned: boolean };

/** A page of the list; filters that are absent let everything through. `q`: a part of the name. */
export type DocumentQuery = { limit?: number; cursor?: string | null; q?: string | null; collection_id?: string | null; status?: "uploading" | "waiting" | "reading" | "paused" | "ready" | "failed" | null; deleted?: boolean };

/** Without ids: all that you may read. */
export type DocumentSearch = { query: string; document_ids?: Array<string>; collection_ids?: Array<string>; limit?: number };

/** `num_pages`: null until it is known. `vectors`: how far the search by meaning is; "none": nobody makes them. `notes`: what was left out of the reading, as codes with numbers. `collection_ids`: of those that you see. */
export type DocumentView = { document_id: string; name: string; format: string; media_type: string; num_bytes: number; status: "uploading" | "waiting" | "reading" | "paused" | "ready" | "failed"; error: DocumentFault | null; num_pages: number | null; num_pages_read: number; num_passages: number; num_vectors: number; vectors: "none" | "waiting" | "running" | "ready"; notes: Record<string, number>; num_tokens: number; is_own: boolean; can_open: boolean; owner_name: string; collection_ids: Array<string>; created_at_ms: number; updated_at_ms: number; deleted_at_ms: number | null };

/** A message that may be sent. `parent_id` absent: below the session's head; "": a new beginning. `params`: as /v1/chat/completions has them. */
export type Draft = { content?: string; parent_id?: string | null; params?: Record<string, unknown> };

export type EarlierToolCall = { id?: string | null; type?: "function" | null; function: CalledFunction };

/** The message said otherwise: a sibling, and an answer to it. */
export type Edit = { type: "edit"; message_id: string; content: string; client_message_id?: string | null; params?: Record<string, unknown> };

export type EditBody = { content: string; client_message_id?: string | null; answers?: boolean; params?: Record<string, unknown> };

export type Embedding = { object: "embedding"; index: number; embedding: Array<number> | string };

export type EmbeddingList = { object: "list"; data: Array<Embedding>; model: string; usage: EmbeddingUsage };

export type EmbeddingUsage = { prompt_tokens: number; total_tokens: number };

export type EmbeddingsRequest = { model?: string | null; input: unknown; encoding_format?: "float" | "base64" | null; dimensions?: number | null; input_type?: unknown; user?: unknown };

export type EngineList = { data: Array<EngineView> };

export type EngineView = { model: string; state: string; problem: string | null; is_default: boolean; is_leaving: boolean; pid: number | null; num_restarts: number; info: Record<string, unknown> | null; num_running: number; num_waiting: number; num_cells: number; num_idle_cells: number; num_cells_total: number; kv_resident_bytes: number; ram_cache_bytes: number; disk_cache_bytes: number; num_requests: number; num_cancelled: number; num_failed: number; num_evictions: number; num_preemptions: number; prompt_tokens_computed: number; prompt_tokens_cached: CacheCounts; cache_hit_share: number | null; tokens_generated: number; num_tokens_drafted: number; num_tokens_accepted: number; num_recent_tokens_drafted: number; num_recent_tokens_accepted: number; num_model_tokens_drafted: number; num_model_tokens_accepted: number; rates: Rates; sequences: Array<SequenceView> };

export type Error = { error: { message: string; type: string; param: string | null; code: string | null } };

/** `after`: a number, as in Last-Event-ID, which counts when both are there. */
export type EventQuery = { after?: number; include_usage?: boolean };

/** bdchat: JSON, lossless; markdown: what is shown; jsonl: training examples. `time_zone`: of the dates in Markdown and in names of files; UTC without it. `language`: of the headings in Markdown. */
export type ExportQuery = { format?: "bdchat" | "markdown" | "jsonl"; time_zone?: string | null; language?: "en" | "ko" };

export type ExtraFile = { filename?: string | null; text: string };

/** Why an answer broke off. */
export type FailureView = { code: string | null; message: string };

export type FileCounts = { in_progress: number; completed: number; failed: number; cancelled: number; total: number };

export type FileLine = { reason: string | null; reason_code: string | null; reason_values: Record<string, number | string>; type: "file"; file: string; status: "skipped" | "failed" };

export type FileList = { object?: "list"; data: Array<FileObject>; first_id: string | null; last_id: string | null; has_more: boolean };

export type FileObject = { id: string; object?: "file"; bytes: number; created_at: number; expires_at?: number | null; filename: string; purpose?: "assistants"; status: "uploaded" | "processed" | "error"; status_details?: string | null };

export type FileQuery = { limit?: number; order?: "asc" | "desc"; after?: string | null; purpose?: string | null };

export type FimChoice = { index: number; message: FimMessage; finish_reason: "stop" | "length" };

export type FimCompletion = { id: string; object: "chat.completion"; created: number; model: string; choices: Array<FimChoice>; usage: Usage };

export type FimMessage = { role: "assistant"; content: string; tool_calls: null };

export type FimRequest = { response_format?: unknown; guided_json?: unknown; guided_regex?: unknown; guided_choice?: unknown; guided_grammar?: unknown; structured_outputs?: unknown; grammar?: unknown; json_schema?: unknown; model?: string | null; stream?: boolean | null; stream_options?: StreamOptions | null; temperature?: number | null; top_p?: number | null; presence_penalty?: number | null; frequency_penalty?: number | null; n?: number | null; seed?: number | null; stop?: Array<string> | null; logit_bias?: unknown; user?: unknown; service_tier?: unknown; n_predict?: number | null; num_predict?: number | null; top_k?: number | null; min_p?: number | null; repeat_penalty?: number | null; repetition_penalty?: number | null; repeat_last_n?: number | null; ignore_eos?: boolean | null; cache_prompt?: boolean | null; deterministic?: boolean | null; return_progress?: boolean | null; timings_per_token?: boolean | null; chat_template_kwargs?: unknown; sampling_defaults?: "openai" | "model" | null; prompt: string; suffix?: string | null; max_tokens?: number | null; random_seed?: number | null };

export type FolderList = { data: Array<FolderView> };

export type FolderView = { name: string; num_sessions: number };

export type FunctionDefinition = { name: string; description?: string | null; parameters?: Record<string, unknown> | null; strict?: boolean | null };

export type GenerateRequest = { tools?: Array<Tool> | null; tool_choice?: unknown; parallel_tool_calls?: boolean | null; functions?: Array<FunctionDefinition> | null; function_call?: unknown; response_format?: unknown; guided_json?: unknown; guided_regex?: unknown; guided_choice?: unknown; guided_grammar?: unknown; structured_outputs?: unknown; grammar?: unknown; json_schema?: unknown; model?: string | null; stream?: boolean | null; stream_options?: StreamOptions | null; temperature?: number | null; top_p?: number | null; presence_penalty?: number | null; frequency_penalty?: number | null; n?: number | null; seed?: number | null; stop?: Array<string> | null; logit_bias?: unknown; user?: unknown; service_tier?: unknown; n_predict?: number | null; num_predict?: number | null; top_k?: number | null; min_p?: number | null; repeat_penalty?: number | null; repetition_penalty?: number | null; repeat_last_n?: number | null; ignore_eos?: boolean | null; cache_prompt?: boolean | null; deterministic?: boolean | null; return_progress?: boolean | null; timings_per_token?: boolean | null; chat_template_kwargs?: unknown; sampling_defaults?: "openai" | "model" | null; messages?: Array<Message>; max_tokens?: number | null; max_completion_tokens?: number | null; logprobs?: boolean | null; top_logprobs?: number | null; reasoning_effort?: unknown; verbosity?: unknown; reasoning_format?: "auto" | "deepseek" | "none" | "parsed" | "raw" | "hidden" | null; include_reasoning?: boolean | null; separate_reasoning?: boolean | null; store?: boolean | null; documents?: unknown | null; metadata?: unknown; prompt?: string | null; message?: string | null; system_prompt?: string | null; session_id?: string | null; client_message_id?: string | null };

/** What is kept for all who come without an account. */
export type GuestView = { num_bytes: number; quota_bytes: number; num_completions: number };

export type HistoryQuery = { limit?: number; cursor?: string | null };

/** The newest first. */
export type HitPage = { data: Array<HitView>; words: Array<string>; next_cursor: string | null };

/** `snippet` is plain text, never HTML. */
export type HitView = { kind: "title" | "message"; session_id: string; session_title: string; message_id: string | null; role: string; at_ms: number; folder: string; is_archived: boolean; is_shared: boolean; snippet: string; highlights: Array<[number, number]> };

export type HubFileList = { data: Array<HubFileView> };

export type HubFileView = { spec: string; file: string; num_bytes: number | null };

export type HubQuery = { search: string };

export type HubRepositoryList = { data: Array<HubRepositoryView> };

export type HubRepositoryView = { repo: string; num_downloads: number; licence: string | null; is_gated: boolean };

export type InfillRequest = { response_format?: unknown; guided_json?: unknown; guided_regex?: unknown; guided_choice?: unknown; guided_grammar?: unknown; structured_outputs?: unknown; grammar?: unknown; json_schema?: unknown; model?: string | null; stream?: boolean | null; stream_options?: StreamOptions | null; temperature?: number | null; top_p?: number | null; presence_penalty?: number | null; frequency_penalty?: number | null; n?: number | null; seed?: number | null; stop?: Array<string> | null; logit_bias?: unknown; user?: unknown; service_tier?: unknown; n_predict?: number | null; num_predict?: number | null; top_k?: number | null; min_p?: number | null; repeat_penalty?: number | null; repetition_penalty?: number | null; repeat_last_n?: number | null; ignore_eos?: boolean | null; cache_prompt?: boolean | null; deterministic?: boolean | null; return_progress?: boolean | null; timings_per_token?: boolean | null; chat_template_kwargs?: unknown; sampling_defaults?: "openai" | "model" | null; max_tokens?: number | null; response_fields?: Array<string> | null; input_prefix?: string | null; input_suffix?: string | null; input_extra?: Array<ExtraFile> | null; prompt?: string | null };

export type InputItemList = { object: "list"; data: Array<Record<string, unknown>>; first_id: string | null; last_id: string | null; has_more: boolean };

export type InputItemQuery = { limit?: number; after?: string | null; order?: "asc" | "desc" };

export type InputTokens = { object: "response.input_tokens"; input_tokens: number };

export type InvitationList = { data: Array<InvitationView> };

/** `used_by` None and `used_at_ms` set: by an account that is gone. */
export type InvitationView = { invitation_id: string; note: string; created_by: string; created_at_ms: number; expires_at_ms: number; used_at_ms: number | null; used_by: string | null };

export type KeyChange = { name: string };

export type KeyList = { data: Array<KeyView> };

export type KeyQuery = { user_id?: string | null; with_revoked?: boolean; limit?: number; cursor?: string | null };

export type KeyView = { key_id: string; name: string; prefix: string; scopes: Array<"chat" | "sessions" | "admin">; created_at_ms: number; last_used_at_ms: number | null; expires_at_ms: number | null; is_bulk: boolean };

/** What is absent is the server's own again (limits.account_…). 0: no bound. */
export type LimitsChange = { max_running?: number | null; max_queued?: number | null; tokens_per_minute?: number | null };

export type LinkList = { data: Array<LinkView> };

export type LinkView = { link_id: string; created_at_ms: number; expires_at_ms: number | null };

/** What a request may say instead of a socket, for the OpenAPI document; read with parse_command. */
export type LiveCommand = ChatMessage | Edit | Regenerate | Continue | Stop | Typing;

/** What is read from a file is null while the model is not loaded. */
export type LmStudioModel = { id: string; object: "model"; type: string; publisher: string; arch: string | null; compatibility_type: "gguf"; quantization: string | null; state: string; max_context_length: number | null; loaded_context_length: number | null; capabilities: Array<string> };

export type LmStudioModelList = { object: "list"; data: Array<LmStudioModel> };

export type LoginList = { data: Array<LoginView> };

export type LoginView = { login_id: string; client: string; ip: string; created_at_ms: number; last_used_at_ms: number; expires_at_ms: number; is_current: boolean };

export type LoginsEnded = { num_ended: number };

export type ManagedKey = { key_id: string; user_id: string; username: string; name: string; prefix: string; scopes: Array<"chat" | "sessions" | "admin">; is_bulk: boolean; created_at_ms: number; last_used_at_ms: number | null; expires_at_ms: number | null; revoked_at_ms: number | null };

export type ManagedKeys = { data: Array<ManagedKey>; next_cursor: string | null };

export type ManagedUser = { user_id: string; username: string; display_name: string; email: string | null; role: "admin" | "user"; is_disabled: boolean; must_change_password: boolean; quota_bytes: number | null; max_running: number | null; max_queued: number | null; tokens_per_minute: number | null; created_at_ms: number; last_seen_at_ms: number | null; num_sessions: number; num_keys: number; num_logins: number };

export type ManagedUsers = { data: Array<ManagedUser>; next_cursor: string | null };

/** `user` None: not signed in. `identity`: what requests like this one may do, None: nothing. */
export type Me = { user: UserView | null; role: "admin" | "user" | "guest" | null; scopes: Array<"chat" | "sessions" | "admin">; registration: "closed" | "invitation" | "open"; needs_first_account: boolean; needs_setup_code: boolean };

export type MemberList = { data: Array<MemberView> };

/** Somebody who is in the chat, or a name that was asked and has not answered: then `username` is what was typed. */
export type MemberView = { state: "member" | "invited"; user_id: string | null; invitation_id: string | null; username: string; display_name: string; role: "reader" | "writer"; created_at_ms: number };

/** One message. Keys that SDKs echo back (refusal, annotations, audio …) are ignored. */
export type Message = { role: "system" | "developer" | "user" | "assistant" | "tool" | "function"; content?: string | null; name?: string | null; tool_calls?: Array<EarlierToolCall> | null; function_call?: CalledFunction | null; tool_call_id?: string | null; reasoning_content?: unknown; reasoning?: unknown };

/** In reading order. */
export type MessagePage = { data: Array<PathMessageView>; next_cursor: string | null };

export type MessageView = { message_id: string; session_id: string; parent_id: string | null; author_id: string | null; role: "system" | "user" | "assistant" | "tool"; content: string; status: "complete" | "running" | "stopped" | "interrupted" | "failed"; finish_reason: string | null; token_count: number | null; processing_time_ms: number | null; client_message_id: string | null; created_at_ms: number };

export type MessagesRequest = { response_format?: unknown; guided_json?: unknown; guided_regex?: unknown; guided_choice?: unknown; guided_grammar?: unknown; structured_outputs?: unknown; grammar?: unknown; json_schema?: unknown; model?: string | null; stream?: boolean | null; stream_options?: StreamOptions | null; temperature?: number | null; top_p?: number | null; presence_penalty?: number | null; frequency_penalty?: number | null; n?: number | null; seed?: number | null; stop?: Array<string> | null; logit_bias?: unknown; user?: unknown; service_tier?: unknown; n_predict?: number | null; num_predict?: number | null; top_k?: number | null; min_p?: number | null; repeat_penalty?: number | null; repetition_penalty?: number | null; repeat_last_n?: number | null; ignore_eos?: boolean | null; cache_prompt?: boolean | null; deterministic?: boolean | null; return_progress?: boolean | null; timings_per_token?: boolean | null; chat_template_kwargs?: unknown; sampling_defaults?: "openai" | "model" | null; system: unknown; messages: unknown; max_tokens?: number | null; stop_sequences?: Array<string> | null; tools: unknown; tool_choice?: unknown; thinking?: unknown; output_config: unknown; output_format?: unknown; metadata?: unknown };

/** How an answer came to be. */
export type MetadataView = { model: string; model_version: string; prompt_template: string; model_params: Record<string, unknown>; prompt_tokens: number; cached_tokens: number; completion_tokens: number; queue_ms: number; prefill_ms: number; decode_ms: number; num_dropped_messages: number; spent: SpentView | null };

export type Modalities = { vision: boolean; audio: boolean };

export type Model = { id: string; object: "model"; created: number; owned_by: string; context_length: number | null; max_model_len: number | null; opens_thought: boolean | null; context_cut: string | null; sampling_defaults: SamplingDefaultsView; languages: Array<string>; capabilities: Array<string>; num_parameters: number | null; state: string; load_fraction: number | null; weights: WeightsView | null; stands_in_for: string | null };

/** A pin in one model that is loaded. */
export type ModelPin = { model: string; state: "waiting" | "kept" | "refused"; num_tokens: number; num_bytes: number; is_in_ram: boolean; is_on_disk: boolean; reason: string };

export type ModelView = { name: string; state: "installed" | "broken" | "available"; kind: string; quantization: string; parameters: string; n_ctx_train: number | null; num_bytes: number; n_ctx: number | null; memory_bytes: number | null; fits: boolean | null; licence: string | null; good_for: "talk" | "code" | "reasoning" | "vision" | "search" | null; languages: Array<string>; tokens_per_s: number | null; is_deletable: boolean; checksum: "verified" | "unknown" | "changed" | null; note: string; served: string | null; context_cut: string | null; problem: string | null; is_default: boolean };

export type ModelWish = { model: string };

/** Without a field that `response_fields` leaves out. */
export type NativeCompletion = { index?: number; content?: string; stop?: boolean; model?: string; tokens_predicted?: number; tokens_evaluated?: number; tokens_cached?: number; truncated?: boolean; stop_type?: string; stopping_word?: string; timings?: NativeTimings | null };

export type NativeCompletionRequest = { response_format?: unknown; guided_json?: unknown; guided_regex?: unknown; guided_choice?: unknown; guided_grammar?: unknown; structured_outputs?: unknown; grammar?: unknown; json_schema?: unknown; model?: string | null; stream?: boolean | null; stream_options?: StreamOptions | null; temperature?: number | null; top_p?: number | null; presence_penalty?: number | null; frequency_penalty?: number | null; n?: number | null; seed?: number | null; stop?: Array<string> | null; logit_bias?: unknown; user?: unknown; service_tier?: unknown; n_predict?: number | null; num_predict?: number | null; top_k?: number | null; min_p?: number | null; repeat_penalty?: number | null; repetition_penalty?: number | null; repeat_last_n?: number | null; ignore_eos?: boolean | null; cache_prompt?: boolean | null; deterministic?: boolean | null; return_progress?: boolean | null; timings_per_token?: boolean | null; chat_template_kwargs?: unknown; sampling_defaults?: "openai" | "model" | null; max_tokens?: number | null; response_fields?: Array<string> | null; prompt: unknown };

export type NativeTimings = { cache_n: number; prompt_n: number; prompt_ms: number; predicted_n: number; predicted_ms: number };

export type NewCollection = { name: string; description?: string };

/** reader: searches and opens what is in it; writer: also puts in and takes out. */
export type NewCollectionMember = { role?: "reader" | "writer" };

export type NewFork = { message_id?: string | null };

export type NewHead = { message_id: string };

export type NewInvitation = { note?: string; expires_in_days?: number };

export type NewKey = { name: string; scopes?: Array<"chat" | "sessions" | "admin">; expires_in_days?: number | null; is_bulk?: boolean };

export type NewLink = { expires_in_days?: number | null };

export type NewLinkView = { link_id: string; created_at_ms: number; expires_at_ms: number | null; token: string; path: string };

/** Again with another role: changes it. Whether anybody has that name is not told. */
export type NewMember = { username: string; role?: "reader" | "writer" };

export type NewMessage = { content: string; role?: "user" | "system" | "assistant"; parent_id?: string | null; client_message_id?: string | null };

/** `system_prompt`: word for word as chats have it, or nothing of them is ready. `model` null: every chat model. */
export type NewPin = { title: string; system_prompt: string; model?: string | null };

export type NewSession = { title?: string | null; opening?: string; folder?: string | null; config?: ConfigBody | null };

export type NewStoreFile = { file_id: string };

export type NewUser = { username: string; display_name?: string; email?: string; role?: "admin" | "user" };

export type NewVectorStore = { name?: string | null; description?: string | null; file_ids?: Array<string> | null };

/** {}: it is done, and there is nothing to tell. */
export type Nothing = Record<string, never>;

/** Of /api/chat (message) and /api/generate (response); a line of a stream has a part of it. */
export type OllamaAnswer = { model: string; created_at: string; done: boolean; done_reason?: string; total_duration?: number; prompt_eval_count?: number; eval_count?: number };

export type OllamaChatRequest = { model: string; stream?: boolean | null; format?: unknown; options?: unknown; think?: unknown; keep_alive?: unknown; logprobs?: boolean | null; top_logprobs?: number | null; messages?: unknown; tools?: unknown; images?: unknown };

export type OllamaEmbedRequest = { model: string; input: unknown; truncate?: boolean | null; dimensions?: number | null };

export type OllamaEmbeddingsRequest = { model: string; prompt: string };

export type OllamaError = { error: string };

export type OllamaGenerateRequest = { model: string; stream?: boolean | null; format?: unknown; options?: unknown; think?: unknown; keep_alive?: unknown; logprobs?: boolean | null; top_logprobs?: number | null; prompt?: string | null; suffix?: string | null; system?: string | null; raw?: boolean | null; template?: unknown; context?: unknown; images?: unknown };

export type OllamaModels = { models: Array<Record<string, unknown>> };

export type OllamaProgress = { status: string; digest?: string; total?: number; completed?: number };

export type OllamaPullRequest = { model?: string | null; name?: string | null; stream?: boolean | null; insecure?: boolean | null };

export type OllamaShowRequest = { model?: string | null; name?: string | null; verbose?: boolean | null };

export type OllamaShown = { modelfile: string; parameters: string; template: string; details: Record<string, unknown>; model_info: Record<string, unknown>; capabilities: Array<string>; modified_at: string };

export type OllamaVector = { embedding: Array<number> };

export type OllamaVectors = { model: string; embeddings: Array<Array<number>>; total_duration: number; load_duration: number; prompt_eval_count: number };

export type OllamaVersion = { version: string; bdchat: string };

/** Lines that the client was too slow for; the summary counts their chats. */
export type OmittedLine = { type: "omitted"; num_lines: number };

export type Overview = { version: string; database_version: string; database_warning: string | null; uptime_s: number; num_users: number; num_sessions: number; num_messages: number; num_people_online: number; num_sockets: number; num_running: number; num_waiting: number; rates: Rates; cache_hit_share: number | null; free_memory_bytes: number; total_memory_bytes: number; errors_last_hour: Record<string, number>; num_failures_last_hour: number };

export type PassageHit = { document_id: string; document_name: string; passage_id: number; page: number; label: string; start: number; end: number; text: string; heading: string; score: number };

/** `heading`: those above it. `header`: of the table whose rows it shows. `boxes`: its lines on the page, as of a page. */
export type PassageView = { document_id: string; passage_id: number; page: number; label: string; start: number; end: number; text: string; heading: string; header: string; boxes: Array<[number, number, number, number, number, number]> };

/** To be handed to somebody else. `is_local_only`: it opens on the server's own machine alone. `qr`: its picture, as an image's `data:` address. */
export type PassedLink = { address: string; is_local_only: boolean; qr: string };

export type PasswordChange = { current_password: string; new_password: string };

/** With what is shown beside it. */
export type PathMessageView = { message_id: string; session_id: string; parent_id: string | null; author_id: string | null; role: "system" | "user" | "assistant" | "tool"; content: string; status: "complete" | "running" | "stopped" | "interrupted" | "failed"; finish_reason: string | null; token_count: number | null; processing_time_ms: number | null; client_message_id: string | null; created_at_ms: number; sibling_ids: Array<string>; sibling_index: number; num_elsewhere: number; author_name: string | null; generation_id: string | null; error: FailureView | null; metadata: MetadataView | null; num_sources: number; citations: Array<CitationView> };

/** A page of the path from `leaf` (absent: the session's head) to its root, the end first. */
export type PathQuery = { limit?: number; before?: string | null; leaf?: string | null };

export type PersonList = { data: Array<PersonView> };

export type PersonView = { username: string; display_name: string };

export type PinList = { data: Array<PinView>; max_pins: number };

export type PinView = { pin_id: string; title: string; system_prompt: string; model: string | null; created_by: string | null; created_at_ms: number; models: Array<ModelPin> };

/** `num_to_read`: tokens that no tier has, at least 1; `read_ms`: how long they take when nobody else asks. When the oldest messages no longer fit, `first_message_id` is the first of the stored ones that does, where the model's memory begins: null with `num_dropped_messages` > 0 means that only the new message does. While the model is not loaded (`state` is not "ready") nothing is known: the numbers are null. `documents`: what the message brings along of each, by its id ("" is a text that the request brings), which are `num_document_tokens` of the prompt's. `too_long`: the message would be refused, and what must grow shorter: the message or the system prompt, whichever is longer, where the two alone do not fit (`num_prompt_tokens` is theirs then); else the chat, which drops nothing. */
export type PreviewView = { model: string; state: string; context_length: number | null; num_prompt_tokens: number | null; num_resident: number | null; num_in_ram: number | null; num_on_disk: number | null; num_to_read: number | null; read_ms: number | null; num_waiting: number | null; num_dropped_messages: number; first_message_id: string | null; too_long: "message" | "system_prompt" | "chat" | null; num_document_tokens: number; documents: Record<string, "whole" | "passages">; segments: Array<SegmentView> };

/** What is absent stays; an empty email is taken away. Of `preferences` the named ones change; null takes one away. */
export type ProfileChange = { display_name?: string | null; email?: string | null; locale?: "" | "ko" | "en" | null; preferences?: Record<string, unknown> | null };

export type ProgressLine = { type: "progress"; num_read_bytes: number; num_bytes: number; num_chats: number };

export type PromptTokensDetails = { cached_tokens: number };

export type Props = { default_generation_settings: DefaultSettings; total_slots: number; model_alias: string; modalities: Modalities; build_info: string; is_sleeping: boolean };

export type PropsQuery = { model?: string | null };

export type PullList = { data: Array<PullView> };

export type PullView = { pull_id: string; model: string; state: "running" | "paused" | "done" | "failed" | "cancelled"; phase: string | null; num_bytes_done: number; num_bytes_total: number | null; bytes_per_s: number | null; error: string | null; error_code: "other" | "no_room" | "no_write" | "no_package" | "offline" | "offline_mode" | "source_trouble" | "no_checksum" | "wrong_checksum" | "not_a_model" | "name_taken" | "not_found" | "refused" | "interrupted" | null; installed_as: string | null; created_at_ms: number };

/** Without `quota_bytes` the server's own holds again (store.user_quota_bytes). */
export type QuotaChange = { quota_bytes?: number | null };

export type Rank = { index: number; relevance_score: number; document: RankedDocument | null };

export type RankList = { object: "list"; model: string; results: Array<Rank>; usage: EmbeddingUsage };

export type RankedDocument = { text: string };

/** Tokens per second since the ask before; null: nobody asked before. */
export type Rates = { read_per_s: number | null; written_per_s: number | null };

/** Another answer beside this one. */
export type Regenerate = { type: "regenerate"; message_id: string; params?: Record<string, unknown> };

export type RegenerateBody = { params?: Record<string, unknown> };

/** `setup_code`: the console's, for the first account. `invitation`: an admin's, for any other. */
export type Registration = { username: string; password: string; email?: string; display_name?: string; locale?: "" | "ko" | "en"; setup_code?: string | null; invitation?: string | null; cookie?: boolean };

/** Told apart by `type`. */
export type ReportLine = ChatLine | FileLine | ProgressLine | OmittedLine | SummaryLine;

export type RepositoryQuery = { repo: string };

export type RequestList = { data: Array<RequestView> };

export type RequestView = { request_id: string; user_id: string; username: string | null; model: string; state: "complete" | "cancelled" | "failed"; started_at_ms: number; total_ms: number; queue_ms: number | null; first_text_ms: number | null; num_read_tokens: number; num_cached_tokens: number; num_written_tokens: number };

export type RerankRequest = { model?: string | null; query: string; documents: unknown; top_n?: number | null; return_documents?: boolean | null; user?: unknown };

export type ResponseDocument = { id: string; object: "response"; created_at: number; status: "queued" | "in_progress" | "completed" | "incomplete" | "cancelled" | "failed"; completed_at: number | null; error: Record<string, unknown> | null; incomplete_details: Record<string, unknown> | null; model: string; output: Array<Record<string, unknown>>; usage: ResponseUsageView | null; metadata: Record<string, unknown>; previous_response_id: string | null; store: boolean; background: boolean };

export type ResponseQuery = { stream?: boolean; starting_after?: number | null };

export type ResponseUsageView = { input_tokens: number; input_tokens_details: Record<string, unknown>; output_tokens: number; output_tokens_details: Record<string, unknown>; total_tokens: number };

export type ResponsesRequest = { response_format?: unknown; guided_json?: unknown; guided_regex?: unknown; guided_choice?: unknown; guided_grammar?: unknown; structured_outputs?: unknown; grammar?: unknown; json_schema?: unknown; model?: string | null; stream?: boolean | null; stream_options?: StreamOptions | null; temperature?: number | null; top_p?: number | null; presence_penalty?: number | null; frequency_penalty?: number | null; n?: number | null; seed?: number | null; stop?: Array<string> | null; logit_bias?: unknown; user?: unknown; service_tier?: unknown; n_predict?: number | null; num_predict?: number | null; top_k?: number | null; min_p?: number | null; repeat_penalty?: number | null; repetition_penalty?: number | null; repeat_last_n?: number | null; ignore_eos?: boolean | null; cache_prompt?: boolean | null; deterministic?: boolean | null; return_progress?: boolean | null; timings_per_token?: boolean | null; chat_template_kwargs?: unknown; sampling_defaults?: "openai" | "model" | null; input?: unknown; instructions?: string | null; previous_response_id?: unknown; store?: boolean | null; background?: boolean | null; text?: unknown; reasoning?: unknown; tools?: unknown; tool_choice?: unknown; parallel_tool_calls?: boolean | null; max_output_tokens?: number | null; max_tool_calls?: number | null; top_logprobs?: number | null; include?: unknown; truncation?: unknown; metadata?: unknown; prompt_cache_key?: unknown; safety_identifier?: unknown; reasoning_effort?: unknown; verbosity?: unknown };

export type RunningList = { data: Array<RunningView> };

export type RunningView = { generation_id: string; user_id: string; username: string | null; model: string; session_id: string | null; is_stored: boolean; started_at_ms: number; num_written_tokens: number; progress: Record<string, unknown> | null };

export type SamplingDefaultsView = { temperature: number; top_p: number; top_k: number; min_p: number; repeat_penalty: number; repeat_last_n: number | null };

/** Every word of `q` must be there, in the text or in its chat's title; the last one may be a beginning; "quoted words" stand next to each other. */
export type SearchQuery = { q: string; role?: "user" | "assistant" | "system" | "tool" | "title" | null; from?: number | null; to?: number | null; folder?: string | null; archived?: boolean | null; limit?: number; cursor?: string | null; session_id?: string | null };

/** Neighbouring messages of one tier, the last one's end decides. `first` and `last` count the prompt's messages from 0, system messages included; the ids are those of stored ones. */
export type SegmentView = { tier: "resident" | "ram" | "disk" | "cold"; num_tokens: number; first: number; last: number; first_message_id: string | null; last_message_id: string | null };

export type SentMessage = { message_id: string; session_id: string; session_title: string; content: string; created_at_ms: number };

export type SentMessages = { data: Array<SentMessage>; next_cursor: string | null };

/** One choice of a request, or (idle) cells that are kept as cache. */
export type SequenceView = { state: "waiting" | "reading" | "writing" | "paused" | "idle"; request_id: string; choice: number; user_id: string | null; username: string | null; session_id: string | null; priority: "interactive" | "batch"; queue_position: number | null; eta_ms: number | null; num_prompt_tokens: number; num_cached_tokens: number; num_cached_from_ram: number; num_cached_from_disk: number; num_computed_tokens: number; num_completion_tokens: number; num_cells: number; num_own_cells: number; num_preemptions: number; age_ms: number };

export type ServedView = { model: string; state: string };

export type SessionChanges = { title?: string | null; folder?: string | null; is_pinned?: boolean | null; is_archived?: boolean | null };

export type SessionPage = { data: Array<SessionView>; next_cursor: string | null };

/** A page of the list; filters that are absent let everything through. */
export type SessionQuery = { limit?: number; cursor?: string | null; pinned?: boolean | null; archived?: boolean | null; folder?: string | null; deleted?: boolean; shared?: boolean };

/** As the asking user sees it: folder, pin and archive are the owner's own affair. */
export type SessionView = { session_id: string; title: string; title_source: "" | "auto" | "user"; folder: string; is_pinned: boolean; is_archived: boolean; head_message_id: string | null; num_messages: number; created_at_ms: number; updated_at_ms: number; deleted_at_ms: number | null; role: "owner" | "writer" | "reader"; owner_name: string };

export type SharedMessage = { message_id: string; role: "user" | "assistant" | "tool"; author_name: string | null; content: string; status: "complete" | "running" | "stopped" | "interrupted" | "failed"; is_edited: boolean; created_at_ms: number };

export type SharedQuery = { limit?: number; before?: string | null };

/** What a link shows: no ids of people, no settings, no system prompt. */
export type SharedSession = { title: string; owner_name: string; updated_at_ms: number; data: Array<SharedMessage>; next_cursor: string | null };

export type SignedIn = { user: UserView; login_id: string; expires_at_ms: number; token: string | null };

/** Of a question by number; of an answer first those that it cites. */
export type SourceList = { sources: Array<SourceView> };

/** `number`: by which answers cite it. `passage_id` null: a page of a file that was shown whole, or a text that came with a request (`document_id` is "" then). `label`, `boxes`: of the page, while `is_there`: you may open the document. `text`: as the model was shown it; empty once the document was deleted for good with what quotes it. */
export type SourceView = { number: number; document_id: string; document_name: string; passage_id: number | null; page: number; label: string; start: number; end: number; text: string; heading: string; is_whole: boolean; is_there: boolean; boxes: Array<[number, number, number, number, number, number]> };

/** What an answer took beside its three times. `saved_ms`: what reading the cached tokens would have taken, less what bringing them back took; below 0 it was dearer. */
export type SpentView = { swapped_ms: number; saved_ms: number; num_computed_tokens: number; num_cached_from_ram: number; num_cached_from_disk: number; num_drafted_tokens: number; num_accepted_tokens: number; num_preemptions: number };

/** An answer has begun; its events are at /v1/chat/completions/{generation_id}/events. */
export type StartedView = { generation_id: string | null; session_id: string | null; message_id: string | null; user_message_id: string | null; is_new: boolean };

export type Stop = { type: "stop"; generation_id: string };

export type Storage = { database_version: string; database_warning: string | null; database_bytes: number; database_free_bytes: number | null; wal_bytes: number | null; num_rows: Record<string, number>; model_bytes: number; partial_bytes: number; cache_bytes: number; backup_bytes: number; free_disk_bytes: number; quota_bytes: number; largest_accounts: Array<AccountView>; guest: GuestView; charged_bytes: number };

export type StoreFile = { id: string; object?: "vector_store.file"; usage_bytes: number; created_at: number; vector_store_id: string; status: "in_progress" | "completed" | "cancelled" | "failed"; last_error: StoreFileError | null; chunking_strategy?: Record<string, string>; attributes?: Record<string, string> };

export type StoreFileError = { code: "server_error" | "unsupported_file" | "invalid_file"; message: string };

export type StoreFileList = { object?: "list"; data: Array<StoreFile>; first_id: string | null; last_id: string | null; has_more: boolean };

export type StoreFileQuery = { limit?: number; order?: "asc" | "desc"; after?: string | null; before?: string | null; filter?: "in_progress" | "completed" | "cancelled" | "failed" | null };

export type StoreHit = { file_id: string; filename: string; score: number; attributes?: Record<string, string>; content: Array<TextContent> };

export type StoreHits = { object?: "vector_store.search_results.page"; search_query: Array<string>; data: Array<StoreHit>; has_more?: boolean; next_page?: string | null };

export type StoreQuery = { limit?: number; order?: "asc" | "desc"; after?: string | null; before?: string | null };

/** Several queries are searched one after another; a passage counts with its best. */
export type StoreSearch = { query: string | Array<string>; max_num_results?: number };

export type StoredCompletion = { id: string; object: "chat.completion"; created: number; model: string; system_fingerprint: string | null; choices: Array<unknown>; usage: unknown; metadata: Record<string, string> };

export type StoredMessage = { id: string; role: "system" | "user" | "assistant" | "tool"; content: string };

export type StoredMessageList = { object: "list"; data: Array<StoredMessage>; first_id: string | null; last_id: string | null; has_more: boolean };

export type StoredMessageQuery = { limit?: number; after?: string | null; order?: "asc" | "desc" };

export type StreamOptions = { include_usage?: boolean | null; include_progress?: boolean | null; continuous_usage_stats?: null };

/** The last line. finished: all of the file was read; incomplete: not all of it could be; empty: there was no chat in it; stopped: by the client or by the server's end; failed: by `reason`. */
export type SummaryLine = { reason: string | null; reason_code: string | null; reason_values: Record<string, number | string>; type: "summary"; status: "finished" | "incomplete" | "empty" | "stopped" | "failed"; num_imported: number; num_skipped: number; num_failed: number; num_messages: number; num_documents: number };

export type TemplatedPrompt = { prompt: string };

export type TextChoice = { index: number; text: string; logprobs: Record<string, unknown> | null; finish_reason: "stop" | "length" };

export type TextCompletion = { id: string; object: "text_completion"; created: number; model: string; system_fingerprint: string | null; choices: Array<TextChoice>; usage: Usage };

export type TextContent = { type: "text"; text: string };

export type TokenPiece = { id: number; piece: string | Array<number> };

export type TokenizeRequest = { model?: string | null; content: string; add_special?: boolean | null; parse_special?: boolean | null; with_pieces?: boolean | null };

export type Tokens = { tokens: Array<number> | Array<TokenPiece> };

export type Tool = { type?: "function" | null; function: FunctionDefinition };

export type ToolCallView = { id: string; type: "function"; function: CalledFunctionView };

export type Typing = { type: "typing"; is_typing?: boolean };

export type UnloadWish = { model: string; drain_s?: number };

/** `collection_id`: where it is put at once. */
export type UploadQuery = { name: string; collection_id?: string | null };

export type Usage = { prompt_tokens: number; completion_tokens: number; total_tokens: number; prompt_tokens_details: PromptTokensDetails; completion_tokens_details: CompletionTokensDetails };

/** Days are the zone's, both included; without them the last thirty. Without a zone they are the server's (TZ). */
export type UsageQuery = { from?: string | null; to?: string | null; time_zone?: string | null };

/** `time_zone`: whose days they are, as it was asked for; null: the server's. */
export type UsageReport = { first_day: string; last_day: string; time_zone: string | null; data: Array<UsageRow>; total: UsageSums };

export type UsageRow = { num_requests: number; num_messages: number; prompt_tokens: number; cached_tokens: number; completion_tokens: number; engine_ms: number; day: string; model: string };

export type UsageSums = { num_requests: number; num_messages: number; prompt_tokens: number; cached_tokens: number; completion_tokens: number; engine_ms: number };

/** What is absent stays; an empty email is taken away. */
export type UserChange = { role?: "admin" | "user" | null; is_disabled?: boolean | null; display_name?: string | null; email?: string | null };

export type UserQuery = { search?: string; limit?: number; cursor?: string | null };

export type UserView = { user_id: string; username: string; display_name: string; email: string | null; role: "admin" | "user"; locale: string; preferences: Record<string, unknown>; must_change_password: boolean; created_at_ms: number };

export type UserWithPassword = { user: ManagedUser; password: string; link: PassedLink };

export type VectorStoreChanges = { name?: string | null };

export type VectorStoreList = { object?: "list"; data: Array<VectorStoreObject>; first_id: string | null; last_id: string | null; has_more: boolean };

export type VectorStoreObject = { id: string; object?: "vector_store"; created_at: number; name: string; description?: string | null; usage_bytes: number; file_counts: FileCounts; status: "in_progress" | "completed"; expires_after?: null; expires_at?: null; last_active_at: number | null; metadata?: Record<string, string> };

/** Speeds: tokens a second of a prompt, of one answer, of eight answers together. */
export type WeightsView = { is_open: boolean; is_encoded: boolean; encodings: Record<string, number>; reason: string; mean_kl: number | null; perplexity: number | null; speed_before: [number, number, number] | null; speed_after: [number, number, number] | null };

/** `files`: with format=bdchat a ZIP of it and of your documents. */
export type WholeExportQuery = { format?: "bdchat" | "markdown" | "jsonl"; time_zone?: string | null; language?: "en" | "ko"; files?: boolean };

export type bdchat__api__schemas__admin_models__ModelList = { data: Array<ModelView>; free_memory_bytes: number; total_memory_bytes: number; free_disk_bytes: number; hub_search: boolean };

export type bdchat__api__schemas__models__ModelList = { object: "list"; data: Array<Model> };

export interface Endpoints {
  "GET /api/admin/audit": { path: undefined; query: { action?: string; actor?: string; since_ms?: number; until_ms?: number; limit?: number; cursor?: string }; body: undefined; response: AuditPage };
  "GET /api/admin/audit.jsonl": { path: undefined; query: { action?: string; actor?: string; since_ms?: number; until_ms?: number }; body: undefined; response: string };
  "GET /api/admin/backups": { path: undefined; query: undefined; body: undefined; response: BackupList };
  "POST /api/admin/backups": { path: undefined; query: undefined; body: undefined; response: BackupView };
  "DELETE /api/admin/backups/{name}": { path: { name: string }; query: undefined; body: undefined; response: Nothing };
  "GET /api/admin/backups/{name}": { path: { name: string }; query: undefined; body: undefined; response: string };
  "GET /api/admin/engine": { path: undefined; query: undefined; body: undefined; response: EngineList };
  "GET /api/admin/generations": { path: undefined; query: undefined; body: undefined; response: RunningList };
  "DELETE /api/admin/generations/{generation_id}": { path: { generation_id: string }; query: undefined; body: undefined; response: Nothing };
  "GET /api/admin/hub": { path: undefined; query: { search: string }; body: undefined; response: HubRepositoryList };
  "GET /api/admin/hub/files": { path: undefined; query: { repo: string }; body: undefined; response: HubFileList };
  "GET /api/admin/invitations": { path: undefined; query: undefined; body: undefined; response: InvitationList };
  "POST /api/admin/invitations": { path: undefined; query: undefined; body: NewInvitation; response: CreatedInvitation };
  "DELETE /api/admin/invitations/{invitation_id}": { path: { invitation_id: string }; query: undefined; body: undefined; response: Nothing };
  "GET /api/admin/keys": { path: undefined; query: { user_id?: string; with_revoked?: boolean; limit?: number; cursor?: string }; body: undefined; response: ManagedKeys };
  "DELETE /api/admin/keys/{key_id}": { path: { key_id: string }; query: undefined; body: undefined; response: Nothing };
  "GET /api/admin/limits": { path: undefined; query: undefined; body: undefined; response: AccountLoads };
  "DELETE /api/admin/models": { path: undefined; query: { model: string }; body: undefined; response: Nothing };
  "GET /api/admin/models": { path: undefined; query: undefined; body: undefined; response: bdchat__api__schemas__admin_models__ModelList };
  "POST /api/admin/models/default": { path: undefined; query: undefined; body: ModelWish; response: ServedView };
  "POST /api/admin/models/load": { path: undefined; query: undefined; body: ModelWish; response: ServedView };
  "POST /api/admin/models/unload": { path: undefined; query: undefined; body: UnloadWish; response: ServedView };
  "GET /api/admin/overview": { path: undefined; query: undefined; body: undefined; response: Overview };
  "GET /api/admin/pins": { path: undefined; query: undefined; body: undefined; response: PinList };
  "POST /api/admin/pins": { path: undefined; query: undefined; body: NewPin; response: PinView };
  "DELETE /api/admin/pins/{pin_id}": { path: { pin_id: string }; query: undefined; body: undefined; response: Nothing };
  "GET /api/admin/pulls": { path: undefined; query: undefined; body: undefined; response: PullList };
  "POST /api/admin/pulls": { path: undefined; query: undefined; body: ModelWish; response: PullView };
  "DELETE /api/admin/pulls/{pull_id}": { path: { pull_id: string }; query: undefined; body: undefined; response: PullView };
  "POST /api/admin/pulls/{pull_id}/pause": { path: { pull_id: string }; query: undefined; body: undefined; response: PullView };
  "POST /api/admin/pulls/{pull_id}/resume": { path: { pull_id: string }; query: undefined; body: undefined; response: PullView };
  "GET /api/admin/requests": { path: undefined; query: undefined; body: undefined; response: RequestList };
  "GET /api/admin/storage": { path: undefined; query: undefined; body: undefined; response: Storage };
  "POST /api/admin/storage/compact": { path: undefined; query: undefined; body: undefined; response: Compacted };
  "GET /api/admin/usage": { path: undefined; query: { from?: string; to?: string; time_zone?: string; by?: string; user_id?: string; model?: string }; body: undefined; response: AllUsage };
  "GET /api/admin/usage.csv": { path: undefined; query: { from?: string; to?: string; time_zone?: string; by?: string; user_id?: string; model?: string }; body: undefined; response: string };
  "GET /api/admin/users": { path: undefined; query: { search?: string; limit?: number; cursor?: string }; body: undefined; response: ManagedUsers };
  "POST /api/admin/users": { path: undefined; query: undefined; body: NewUser; response: UserWithPassword };
  "DELETE /api/admin/users/{user_id}": { path: { user_id: string }; query: undefined; body: undefined; response: Nothing };
  "GET /api/admin/users/{user_id}": { path: { user_id: string }; query: undefined; body: undefined; response: ManagedUser };
  "PATCH /api/admin/users/{user_id}": { path: { user_id: string }; query: undefined; body: UserChange; response: ManagedUser };
  "PUT /api/admin/users/{user_id}/limits": { path: { user_id: string }; query: undefined; body: LimitsChange; response: ManagedUser };
  "POST /api/admin/users/{user_id}/password": { path: { user_id: string }; query: undefined; body: undefined; response: UserWithPassword };
  "PUT /api/admin/users/{user_id}/quota": { path: { user_id: string }; query: undefined; body: QuotaChange; response: ManagedUser };
  "DELETE /api/admin/users/{user_id}/sessions": { path: { user_id: string }; query: undefined; body: undefined; response: LoginsEnded };
  "POST /api/auth/login": { path: undefined; query: undefined; body: Credentials; response: SignedIn };
  "POST /api/auth/logout": { path: undefined; query: undefined; body: undefined; response: Nothing };
  "GET /api/auth/me": { path: undefined; query: undefined; body: undefined; response: Me };
  "POST /api/auth/password": { path: undefined; query: undefined; body: PasswordChange; response: LoginsEnded };
  "POST /api/auth/register": { path: undefined; query: undefined; body: Registration; response: SignedIn };
  "DELETE /api/auth/sessions": { path: undefined; query: undefined; body: undefined; response: LoginsEnded };
  "GET /api/auth/sessions": { path: undefined; query: undefined; body: undefined; response: LoginList };
  "DELETE /api/auth/sessions/{login_id}": { path: { login_id: string }; query: undefined; body: undefined; response: Nothing };
  "POST /api/chat": { path: undefined; query: undefined; body: OllamaChatRequest; response: OllamaAnswer };
  "GET /api/collections": { path: undefined; query: undefined; body: undefined; response: CollectionList };
  "POST /api/collections": { path: undefined; query: undefined; body: NewCollection; response: CollectionView };
  "DELETE /api/collections/{collection_id}": { path: { collection_id: string }; query: undefined; body: undefined; response: undefined };
  "GET /api/collections/{collection_id}": { path: { collection_id: string }; query: undefined; body: undefined; response: CollectionView };
  "PATCH /api/collections/{collection_id}": { path: { collection_id: string }; query: undefined; body: CollectionChanges; response: CollectionView };
  "DELETE /api/collections/{collection_id}/documents/{document_id}": { path: { collection_id: string; document_id: string }; query: undefined; body: undefined; response: CollectionView };
  "PUT /api/collections/{collection_id}/documents/{document_id}": { path: { collection_id: string; document_id: string }; query: undefined; body: undefined; response: CollectionView };
  "GET /api/collections/{collection_id}/members": { path: { collection_id: string }; query: undefined; body: undefined; response: CollectionMemberList };
  "DELETE /api/collections/{collection_id}/members/{username}": { path: { collection_id: string; username: string }; query: undefined; body: undefined; response: undefined };
  "PUT /api/collections/{collection_id}/members/{username}": { path: { collection_id: string; username: string }; query: undefined; body: NewCollectionMember; response: CollectionMemberView };
  "POST /api/collections/{collection_id}/restore": { path: { collection_id: string }; query: undefined; body: undefined; response: CollectionView };
  "POST /api/copy": { path: undefined; query: undefined; body: undefined; response: undefined };
  "POST /api/create": { path: undefined; query: undefined; body: undefined; response: undefined };
  "DELETE /api/delete": { path: undefined; query: undefined; body: undefined; response: undefined };
  "GET /api/documents": { path: undefined; query: { limit?: number; cursor?: string; q?: string; collection_id?: string; status?: "uploading" | "waiting" | "reading" | "paused" | "ready" | "failed"; deleted?: boolean }; body: undefined; response: DocumentList };
  "POST /api/documents": { path: undefined; query: { name: string; collection_id?: string }; body: Blob; response: DocumentView };
  "POST /api/documents/search": { path: undefined; query: undefined; body: DocumentSearch; response: DocumentHits };
  "DELETE /api/documents/{document_id}": { path: { document_id: string }; query: { purge?: boolean }; body: undefined; response: undefined };
  "GET /api/documents/{document_id}": { path: { document_id: string }; query: undefined; body: undefined; response: DocumentView };
  "PATCH /api/documents/{document_id}": { path: { document_id: string }; query: undefined; body: DocumentChanges; response: DocumentView };
  "GET /api/documents/{document_id}/content": { path: { document_id: string }; query: undefined; body: undefined; response: string };
  "GET /api/documents/{document_id}/pages/{number}": { path: { document_id: string; number: string }; query: undefined; body: undefined; response: DocumentPageView };
  "GET /api/documents/{document_id}/passages/{passage_id}": { path: { document_id: string; passage_id: string }; query: undefined; body: undefined; response: PassageView };
  "POST /api/documents/{document_id}/pause": { path: { document_id: string }; query: undefined; body: undefined; response: DocumentView };
  "POST /api/documents/{document_id}/restore": { path: { document_id: string }; query: undefined; body: undefined; response: DocumentView };
  "POST /api/documents/{document_id}/resume": { path: { document_id: string }; query: undefined; body: undefined; response: DocumentView };
  "POST /api/documents/{document_id}/retry": { path: { document_id: string }; query: undefined; body: undefined; response: DocumentView };
  "POST /api/embed": { path: undefined; query: undefined; body: OllamaEmbedRequest; response: OllamaVectors };
  "POST /api/embeddings": { path: undefined; query: undefined; body: OllamaEmbeddingsRequest; response: OllamaVector };
  "GET /api/export": { path: undefined; query: { format?: "bdchat" | "markdown" | "jsonl"; time_zone?: string; language?: "en" | "ko"; files?: boolean }; body: undefined; response: Record<string, unknown> };
  "GET /api/export/schema": { path: undefined; query: undefined; body: undefined; response: Record<string, unknown> };
  "GET /api/folders": { path: undefined; query: undefined; body: undefined; response: FolderList };
  "POST /api/generate": { path: undefined; query: undefined; body: OllamaGenerateRequest; response: OllamaAnswer };
  "POST /api/import": { path: undefined; query: undefined; body: Blob; response: string };
  "GET /api/invitations": { path: undefined; query: undefined; body: undefined; response: ChatInvitationList };
  "POST /api/invitations/{invitation_id}/accept": { path: { invitation_id: string }; query: undefined; body: undefined; response: SessionView };
  "POST /api/invitations/{invitation_id}/decline": { path: { invitation_id: string }; query: undefined; body: undefined; response: undefined };
  "GET /api/keys": { path: undefined; query: undefined; body: undefined; response: KeyList };
  "POST /api/keys": { path: undefined; query: undefined; body: NewKey; response: CreatedKey };
  "DELETE /api/keys/{key_id}": { path: { key_id: string }; query: undefined; body: undefined; response: Nothing };
  "PATCH /api/keys/{key_id}": { path: { key_id: string }; query: undefined; body: KeyChange; response: KeyView };
  "GET /api/live/chat/{session_id}": { path: { session_id: string }; query: undefined; body: undefined; response: unknown };
  "POST /api/live/chat/{session_id}": { path: { session_id: string }; query: undefined; body: LiveCommand; response: { type: "accepted"; answers: string; client_message_id: string | null; generation_id: string; message_id: string | null; user_message_id: string | null; is_new: boolean } | Record<string, unknown> };
  "GET /api/live/events": { path: undefined; query: undefined; body: undefined; response: unknown };
  "POST /api/llm/generate": { path: undefined; query: undefined; body: GenerateRequest; response: ChatCompletion };
  "GET /api/llm/models": { path: undefined; query: undefined; body: undefined; response: bdchat__api__schemas__models__ModelList };
  "GET /api/messages/{message_id}": { path: { message_id: string }; query: undefined; body: undefined; response: PathMessageView };
  "POST /api/messages/{message_id}/continue": { path: { message_id: string }; query: undefined; body: undefined; response: StartedView };
  "POST /api/messages/{message_id}/edit": { path: { message_id: string }; query: undefined; body: EditBody; response: StartedView };
  "POST /api/messages/{message_id}/regenerate": { path: { message_id: string }; query: undefined; body: RegenerateBody; response: StartedView };
  "GET /api/openapi.json": { path: undefined; query: undefined; body: undefined; response: Record<string, unknown> };
  "GET /api/people": { path: undefined; query: undefined; body: undefined; response: PersonList };
  "GET /api/profile": { path: undefined; query: undefined; body: undefined; response: UserView };
  "PATCH /api/profile": { path: undefined; query: undefined; body: ProfileChange; response: UserView };
  "POST /api/profile/delete": { path: undefined; query: undefined; body: AccountDeletion; response: Nothing };
  "GET /api/profile/messages": { path: undefined; query: { limit?: number; cursor?: string }; body: undefined; response: SentMessages };
  "GET /api/profile/usage": { path: undefined; query: { from?: string; to?: string; time_zone?: string }; body: undefined; response: UsageReport };
  "GET /api/ps": { path: undefined; query: undefined; body: undefined; response: OllamaModels };
  "POST /api/pull": { path: undefined; query: undefined; body: OllamaPullRequest; response: OllamaProgress };
  "POST /api/push": { path: undefined; query: undefined; body: undefined; response: undefined };
  "GET /api/search": { path: undefined; query: { q: string; role?: "user" | "assistant" | "system" | "tool" | "title"; from?: number; to?: number; folder?: string; archived?: boolean; limit?: number; cursor?: string; session_id?: string }; body: undefined; response: HitPage };
  "GET /api/search/chats": { path: undefined; query: { q: string; role?: "user" | "assistant" | "system" | "tool" | "title"; from?: number; to?: number; folder?: string; archived?: boolean; limit?: number; cursor?: string }; body: undefined; response: ChatHitsPage };
  "GET /api/sessions": { path: undefined; query: { limit?: number; cursor?: string; pinned?: boolean; archived?: boolean; folder?: string; deleted?: boolean; shared?: boolean }; body: undefined; response: SessionPage };
  "POST /api/sessions": { path: undefined; query: undefined; body: NewSession; response: SessionView };
  "POST /api/sessions/bulk": { path: undefined; query: undefined; body: BulkChanges; response: ChangedSessions };
  "DELETE /api/sessions/{session_id}": { path: { session_id: string }; query: { permanently?: boolean }; body: undefined; response: undefined };
  "GET /api/sessions/{session_id}": { path: { session_id: string }; query: undefined; body: undefined; response: SessionView };
  "PATCH /api/sessions/{session_id}": { path: { session_id: string }; query: undefined; body: SessionChanges; response: SessionView };
  "PUT /api/sessions/{session_id}": { path: { session_id: string }; query: undefined; body: SessionChanges; response: SessionView };
  "GET /api/sessions/{session_id}/config": { path: { session_id: string }; query: undefined; body: undefined; response: ConfigView };
  "PATCH /api/sessions/{session_id}/config": { path: { session_id: string }; query: undefined; body: ConfigBody; response: ConfigView };
  "PUT /api/sessions/{session_id}/config": { path: { session_id: string }; query: undefined; body: ConfigBody; response: ConfigView };
  "GET /api/sessions/{session_id}/documents": { path: { session_id: string }; query: undefined; body: undefined; response: ChatDocumentsView };
  "PUT /api/sessions/{session_id}/documents": { path: { session_id: string }; query: undefined; body: ChatDocumentIds; response: ChatDocumentsView };
  "GET /api/sessions/{session_id}/export": { path: { session_id: string }; query: { format?: "bdchat" | "markdown" | "jsonl"; time_zone?: string; language?: "en" | "ko" }; body: undefined; response: Record<string, unknown> };
  "POST /api/sessions/{session_id}/fork": { path: { session_id: string }; query: undefined; body: NewFork; response: SessionView };
  "POST /api/sessions/{session_id}/head": { path: { session_id: string }; query: undefined; body: NewHead; response: SessionView };
  "DELETE /api/sessions/{session_id}/invitations/{invitation_id}": { path: { session_id: string; invitation_id: string }; query: undefined; body: undefined; response: undefined };
  "GET /api/sessions/{session_id}/links": { path: { session_id: string }; query: undefined; body: undefined; response: LinkList };
  "POST /api/sessions/{session_id}/links": { path: { session_id: string }; query: undefined; body: NewLink; response: NewLinkView };
  "DELETE /api/sessions/{session_id}/links/{link_id}": { path: { session_id: string; link_id: string }; query: undefined; body: undefined; response: undefined };
  "GET /api/sessions/{session_id}/members": { path: { session_id: string }; query: undefined; body: undefined; response: MemberList };
  "POST /api/sessions/{session_id}/members": { path: { session_id: string }; query: undefined; body: NewMember; response: MemberView };
  "DELETE /api/sessions/{session_id}/members/{user_id}": { path: { session_id: string; user_id: string }; query: undefined; body: undefined; response: undefined };
  "GET /api/sessions/{session_id}/messages": { path: { session_id: string }; query: { limit?: number; before?: string; leaf?: string }; body: undefined; response: MessagePage };
  "POST /api/sessions/{session_id}/messages": { path: { session_id: string }; query: undefined; body: NewMessage; response: MessageView };
  "GET /api/sessions/{session_id}/messages/{message_id}/sources": { path: { session_id: string; message_id: string }; query: undefined; body: undefined; response: SourceList };
  "POST /api/sessions/{session_id}/preview": { path: { session_id: string }; query: undefined; body: Draft; response: PreviewView };
  "POST /api/sessions/{session_id}/restore": { path: { session_id: string }; query: undefined; body: undefined; response: SessionView };
  "GET /api/shared/{token}": { path: { token: string }; query: { limit?: number; before?: string }; body: undefined; response: SharedSession };
  "POST /api/show": { path: undefined; query: undefined; body: OllamaShowRequest; response: OllamaShown };
  "GET /api/tags": { path: undefined; query: undefined; body: undefined; response: OllamaModels };
  "GET /api/v0/models": { path: undefined; query: undefined; body: undefined; response: LmStudioModelList };
  "GET /api/v0/models/{model_id}": { path: { model_id: string }; query: undefined; body: undefined; response: LmStudioModel };
  "GET /api/version": { path: undefined; query: undefined; body: undefined; response: OllamaVersion };
  "GET /health": { path: undefined; query: undefined; body: undefined; response: { status: "ok" | "draining"; models?: Array<Record<string, unknown>> } };
  "GET /metrics": { path: undefined; query: undefined; body: undefined; response: string };
  "GET /props": { path: undefined; query: { model?: string }; body: undefined; response: Props };
  "POST /v1/apply-template": { path: undefined; query: undefined; body: ChatCompletionRequest; response: TemplatedPrompt };
  "GET /v1/chat/completions": { path: undefined; query: { limit?: number; after?: string; order?: "asc" | "desc"; model?: string }; body: undefined; response: CompletionList };
  "POST /v1/chat/completions": { path: undefined; query: undefined; body: ChatCompletionRequest; response: ChatCompletion };
  "DELETE /v1/chat/completions/{completion_id}": { path: { completion_id: string }; query: undefined; body: undefined; response: DeletedCompletion };
  "GET /v1/chat/completions/{completion_id}": { path: { completion_id: string }; query: undefined; body: undefined; response: StoredCompletion };
  "POST /v1/chat/completions/{completion_id}": { path: { completion_id: string }; query: undefined; body: CompletionChanges; response: StoredCompletion };
  "POST /v1/chat/completions/{completion_id}/cancel": { path: { completion_id: string }; query: undefined; body: undefined; response: StoredCompletion };
  "GET /v1/chat/completions/{completion_id}/events": { path: { completion_id: string }; query: { after?: number; include_usage?: boolean }; body: undefined; response: unknown };
  "GET /v1/chat/completions/{completion_id}/messages": { path: { completion_id: string }; query: { limit?: number; after?: string; order?: "asc" | "desc" }; body: undefined; response: StoredMessageList };
  "POST /v1/completion": { path: undefined; query: undefined; body: NativeCompletionRequest; response: NativeCompletion };
  "POST /v1/completions": { path: undefined; query: undefined; body: CompletionRequest; response: TextCompletion };
  "POST /v1/detokenize": { path: undefined; query: undefined; body: DetokenizeRequest; response: DetokenizedText };
  "POST /v1/embeddings": { path: undefined; query: undefined; body: EmbeddingsRequest; response: EmbeddingList };
  "GET /v1/files": { path: undefined; query: { limit?: number; order?: "asc" | "desc"; after?: string; purpose?: string }; body: undefined; response: FileList };
  "POST /v1/files": { path: undefined; query: undefined; body: Blob; response: FileObject };
  "DELETE /v1/files/{file_id}": { path: { file_id: string }; query: undefined; body: undefined; response: DeletedFile };
  "GET /v1/files/{file_id}": { path: { file_id: string }; query: undefined; body: undefined; response: FileObject };
  "GET /v1/files/{file_id}/content": { path: { file_id: string }; query: undefined; body: undefined; response: string };
  "POST /v1/fim/completions": { path: undefined; query: undefined; body: FimRequest; response: FimCompletion };
  "POST /v1/infill": { path: undefined; query: undefined; body: InfillRequest; response: NativeCompletion };
  "POST /v1/messages": { path: undefined; query: undefined; body: MessagesRequest; response: AnthropicMessage };
  "POST /v1/messages/count_tokens": { path: undefined; query: undefined; body: MessagesRequest; response: CountedTokens };
  "GET /v1/models": { path: undefined; query: undefined; body: undefined; response: bdchat__api__schemas__models__ModelList };
  "GET /v1/models/{model_id}": { path: { model_id: string }; query: undefined; body: undefined; response: Model };
  "POST /v1/rerank": { path: undefined; query: undefined; body: RerankRequest; response: RankList };
  "POST /v1/responses": { path: undefined; query: undefined; body: ResponsesRequest; response: ResponseDocument };
  "POST /v1/responses/input_tokens": { path: undefined; query: undefined; body: ResponsesRequest; response: InputTokens };
  "DELETE /v1/responses/{response_id}": { path: { response_id: string }; query: undefined; body: undefined; response: DeletedResponse };
  "GET /v1/responses/{response_id}": { path: { response_id: string }; query: { stream?: boolean; starting_after?: number }; body: undefined; response: ResponseDocument };
  "POST /v1/responses/{response_id}/cancel": { path: { response_id: string }; query: undefined; body: undefined; response: ResponseDocument };
  "GET /v1/responses/{response_id}/input_items": { path: { response_id: string }; query: { limit?: number; after?: string; order?: "asc" | "desc" }; body: undefined; response: InputItemList };
  "POST /v1/tokenize": { path: undefined; query: undefined; body: TokenizeRequest; response: Tokens };
  "GET /v1/vector_stores": { path: undefined; query: { limit?: number; order?: "asc" | "desc"; after?: string; before?: string }; body: undefined; response: VectorStoreList };
  "POST /v1/vector_stores": { path: undefined; query: undefined; body: NewVectorStore; response: VectorStoreObject };
  "DELETE /v1/vector_stores/{vector_store_id}": { path: { vector_store_id: string }; query: undefined; body: undefined; response: DeletedVectorStore };
  "GET /v1/vector_stores/{vector_store_id}": { path: { vector_store_id: string }; query: undefined; body: undefined; response: VectorStoreObject };
  "POST /v1/vector_stores/{vector_store_id}": { path: { vector_store_id: string }; query: undefined; body: VectorStoreChanges; response: VectorStoreObject };
  "GET /v1/vector_stores/{vector_store_id}/files": { path: { vector_store_id: string }; query: { limit?: number; order?: "asc" | "desc"; after?: string; before?: string; filter?: "in_progress" | "completed" | "cancelled" | "failed" }; body: undefined; response: StoreFileList };
  "POST /v1/vector_stores/{vector_store_id}/files": { path: { vector_store_id: string }; query: undefined; body: NewStoreFile; response: StoreFile };
  "DELETE /v1/vector_stores/{vector_store_id}/files/{file_id}": { path: { vector_store_id: string; file_id: string }; query: undefined; body: undefined; response: DeletedStoreFile };
  "GET /v1/vector_stores/{vector_store_id}/files/{file_id}": { path: { vector_store_id: string; file_id: string }; query: undefined; body: undefined; response: StoreFile };
  "POST /v1/vector_stores/{vector_store_id}/search": { path: { vector_store_id: string }; query: undefined; body: StoreSearch; response: StoreHits };
}
