/** An error as a sentence in the reader's language; the server's own sentence where we have none. */
import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/errors";

/** What the server calls it (src/bdchat/api/errors.py) → our sentence. */
const TEXTS = {
  offline: "error.offline",
  not_found: "error.notFound",
  invalid_api_key: "line.signedOut", // the login has ended meanwhile
  login_failed: "error.credentials",
  too_many_attempts: "error.tooMany",
  forbidden: "error.forbidden",
  context_length_exceeded: "error.tooLong",
  request_too_large: "error.tooLarge",
  storage_quota_exceeded: "error.quota",
  storage_full: "error.diskFull",
  queue_full: "error.busy",
  queue_timeout: "error.busy",
  model_not_found: "error.noModel",
  engine_unavailable: "error.noEngine",
  model_load_failed: "error.modelLoad",
} as const;

export function useErrorText(): (error: unknown) => string {
  const { t } = useTranslation();
  return useCallback(
    (error) => {
      if (!(error instanceof ApiError)) return t("error.unknown");
      if (error.code === "conflict" && error.param === "username") return t("error.nameTaken");
      const text = (TEXTS as Record<string, (typeof TEXTS)[keyof typeof TEXTS] | undefined>)[error.code];
      if (text) return t(text);
      return error.status >= 500 ? t("error.server") : error.message;
    },
    [t],
  );
}
