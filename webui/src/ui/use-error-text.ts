/** An error as a sentence in the reader's language: by its name, else by the field at fault. Never the server's English. */
import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/errors";
import { useFormat } from "./use-format";

/** What the server calls it → our sentence; all that it calls so (tests/test_refusal_words.py). */
const TEXTS = {
  offline: "error.offline",
  not_found: "error.notFound",
  invalid_api_key: "line.signedOut", // the login has ended meanwhile
  login_failed: "error.credentials",
  too_many_attempts: "error.tooMany",
  forbidden: "error.forbidden",
  read_only: "error.readOnly",
  owner_only: "error.ownerOnly",
  origin_not_allowed: "error.origin",
  host_not_allowed: "error.origin",
  insufficient_scope: "error.forbidden",
  context_length_exceeded: "error.tooLong",
  chat_too_long: "error.chatTooLong",
  request_too_large: "error.tooLarge",
  request_timeout: "error.slow",
  malformed_body: "error.malformed",
  headers_too_large: "error.malformed",
  unsupported_media_type: "error.malformed",
  unknown_url: "line.outdated", // this page is older than the server
  method_not_allowed: "line.outdated",
  conflict: "error.conflict",
  store_unavailable: "error.store",
  storage_quota_exceeded: "error.quota",
  storage_full: "error.diskFull",
  storage_read_only: "error.diskReadOnly",
  queue_full: "error.busy",
  rate_limit_exceeded: "error.accountLimit",
  too_many_connections: "error.connections",
  queue_timeout: "error.busy",
  model_not_found: "error.noModel",
  model_unsuitable: "error.modelUnsuitable",
  engine_unavailable: "error.noEngine",
  model_load_failed: "error.modelLoad",
  request_quarantined: "error.quarantined",
  generation_failed: "error.answerFailed",
  engine_error: "error.answerFailed",
  ended_by_admin: "error.endedByAdmin",
  // accounts
  name_taken: "refusal.nameTaken",
  name_looks_taken: "refusal.nameLooksTaken",
  account_exists: "refusal.registrationClosed",
  registration_closed: "refusal.registrationClosed",
  invitation_needed: "refusal.invitationNeeded",
  invitation_over: "refusal.invitationOver",
  setup_code_needed: "refusal.setupCode",
  username_form: "refusal.usernameForm",
  username_script: "refusal.usernameScript",
  display_name_form: "refusal.displayNameForm",
  password_length: "refusal.passwordLength",
  password_obvious: "refusal.passwordObvious",
  password_same: "refusal.passwordSame",
  password_change_needed: "error.passwordChangeNeeded",
  email_form: "refusal.emailForm",
  email_taken: "refusal.emailTaken",
  password_is_name: "refusal.passwordIsName",
  wrong_password: "refusal.wrongPassword",
  too_many_keys: "refusal.tooManyKeys",
  preferences_too_large: "refusal.presetsTooLarge",
  // chats
  still_writing: "error.stillWriting",
  answer_complete: "error.answerComplete",
  has_followers: "error.hasFollowers",
  cannot_continue: "error.cannotContinue",
  nothing_there: "error.nothingThere",
  owner_is_there: "sharing.isOwner",
  too_many_invitations: "refusal.tooManyInvitations",
  too_many_members: "refusal.tooManyMembers",
  too_many_links: "refusal.tooManyLinks",
  import_running: "refusal.importRunning",
  picture: "documents.picture",
  document_empty: "documents.emptyFile",
  file_empty: "refusal.fileEmpty",
  file_unknown: "refusal.fileUnknown",
  // documents
  too_many_documents: "refusal.tooManyDocuments",
  too_many_collections: "refusal.tooManyCollections",
  too_many_attachments: "refusal.tooManyAttachments",
  collection_full: "refusal.collectionFull",
  collection_read_only: "refusal.collectionReadOnly",
  not_owner: "refusal.notOwner",
  same_file: "refusal.sameFile",
  wrong_status: "refusal.wrongStatus",
  // the form of an answer
  unsupported_schema: "refusal.unsupportedSchema",
  invalid_grammar: "refusal.invalidGrammar",
  // the administration
  only_admin: "refusal.onlyAdmin",
  no_memory: "admin.refusal.noMemory",
  model_loaded: "admin.refusal.modelLoaded",
  model_elsewhere: "admin.refusal.modelElsewhere",
  model_unknown: "admin.pulls.unknown",
  hub_search_off: "admin.hub.off",
  hub_unreachable: "admin.hub.unreachable",
  too_many_pins: "admin.refusal.tooManyPins",
  pull_running: "admin.pulls.busy",
  pull_changed: "admin.refusal.pullChanged",
  postgres_backup: "admin.backups.elsewhere",
  postgres_room: "admin.refusal.postgresRoom",
} as const;

/** A request's field → what the page calls it. */
const FIELDS = {
  username: "auth.username",
  password: "auth.password",
  display_name: "profile.displayName",
  new_password: "profile.newPassword",
  current_password: "profile.currentPassword",
  title: "sessions.name",
  model: "admin.model",
  system_prompt: "chat.settings.systemPrompt",
  temperature: "chat.settings.numbers.temperature",
  top_p: "chat.settings.numbers.top_p",
  max_tokens: "chat.settings.numbers.max_tokens",
  seed: "chat.settings.numbers.seed",
  quota_bytes: "admin.users.quota",
} as const;

export function useErrorText(): (error: unknown) => string {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  return useCallback(
    (error) => {
      if (!(error instanceof ApiError)) return t("error.unknown");
      if (error.code === "rate_limit_exceeded" && error.retryAfterMs !== null) {
        return t("error.accountLimitFor", { time: format.duration(error.retryAfterMs) });
      }
      const text = keyOf(TEXTS, error.code);
      if (text && i18n.exists(text as string)) return t(text); // an admin's words are not everywhere
      if (error.status === 0) return t("error.unknown"); // an answer's: what it failed with came without a status
      if (error.status >= 500) return t("error.server");
      const field = keyOf(FIELDS, error.param?.split(".").at(-1));
      return field && i18n.exists(field as string) ? t("error.field", { field: t(field) }) : t("error.refused");
    },
    [t, i18n, format],
  );
}

function keyOf<Key extends string>(table: Readonly<Record<string, Key>>, name: string | undefined): Key | undefined {
  return name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
}
