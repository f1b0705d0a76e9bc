/** An error as a sentence in the reader's language; the server's own sentence where we have none. */
import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/errors";

export function useErrorText(): (error: unknown) => string {
  const { t } = useTranslation();
  return useCallback(
    (error) => {
      if (!(error instanceof ApiError)) return t("error.unknown");
      switch (error.code) {
        case "offline":
          return t("error.offline");
        case "not_found":
          return t("error.notFound");
        case "invalid_api_key": // the login has ended meanwhile
          return t("line.signedOut");
        case "login_failed":
          return t("error.credentials");
        case "too_many_attempts":
          return t("error.tooMany");
        case "conflict":
          return error.param === "username" ? t("error.nameTaken") : error.message;
        default:
          return error.status >= 500 ? t("error.server") : error.message;
      }
    },
    [t],
  );
}
