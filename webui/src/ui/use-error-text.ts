/** An error as a sentence in the reader's language; the server's own sentence where we have none. */
import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/errors";

/** What the server calls it → our sentence; all that it calls so (tests/test_refusal_words.py). */
const TEXTS = {
  offline: "error.offline",
  not_found: "error.notFound",
  invalid_api_key: "line.signedOut", // the login has ended meanwhile
  login_failed: "error.credentials",
  too_many_attempts: "error.tooMany",
  forbidden: "error.forbidden",
  insufficient_scope: "error.forbidden",
  context_length_exceeded: "error.tooLong",
  chat_too_long: "error.chatTooLong",
  request_too_large: "error.tooLarge",
  storage_quota_exceeded: "error.quota",
  storage_full: "error.diskFull",
  queue_full: "error.busy",
  too_many_connections: "error.busy",
  queue_timeout: "error.busy",
  model_not_found: "error.noModel",
  engine_unavailable: "error.noEngine",
  model_load_failed: "error.modelLoad",
  // accounts
  name_taken: "error.nameTaken",
  name_looks_taken: "error.nameLooksTaken",
  account_exists: "error.registrationClosed",
  registration_closed: "error.registrationClosed",
  invitation_needed: "error.invitationNeeded",
  invitation_over: "error.invitationOver",
  setup_code_needed: "error.setupCode",
  username_form: "error.usernameForm",
  username_script: "error.usernameScript",
  display_name_form: "error.displayNameForm",
  password_length: "error.passwordLength",
  password_obvious: "error.passwordObvious",
  password_is_name: "error.passwordIsName",
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
  // the administration
  only_admin: "admin.users.onlyAdmin",
  no_memory: "admin.refusal.noMemory",
  model_loaded: "admin.refusal.modelLoaded",
  model_elsewhere: "admin.refusal.modelElsewhere",
  model_unknown: "admin.pulls.unknown",
  pull_running: "admin.pulls.busy",
  pull_changed: "admin.refusal.pullChanged",
  postgres_backup: "admin.backups.elsewhere",
  postgres_room: "admin.refusal.postgresRoom",
} as const;

export function useErrorText(): (error: unknown) => string {
  const { t } = useTranslation();
  return useCallback(
    (error) => {
      if (!(error instanceof ApiError)) return t("error.unknown");
      const text = (TEXTS as Record<string, (typeof TEXTS)[keyof typeof TEXTS] | undefined>)[error.code];
      if (text) return t(text);
      return error.status >= 500 ? t("error.server") : t("error.refused", { detail: error.message });
    },
    [t],
  );
}
