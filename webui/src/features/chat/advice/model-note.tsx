/** That the model lacks a language, or is tiny; and for who may fetch one, the smallest that would do. */
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import type { ModelView } from "@/api/types.gen";
import { useMe } from "@/api/use-me";
import { languageNames } from "@/lib/language-names";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";
import { useFormat } from "@/ui/use-format";
import { lacks, type ModelAdvice } from "./use-model-advice";

export function ModelNote({ model, language, dismiss }: ModelAdvice) {
  const { t, i18n } = useTranslation();
  const isAdmin = useMe().data?.role === "admin";
  const name = language === null ? "" : (languageNames([language], i18n.language).names[0] ?? language);
  return (
    <Alert
      severity="info"
      onClose={dismiss}
      closeText={t("common.close")}
      sx={{ maxWidth: 748, mx: "auto", mb: 1, textAlign: "start" }}
    >
      {language === null ? t("advice.tiny", { model }) : t("advice.lacks", { model, language: name })}{" "}
      {isAdmin ? <Offer language={language} /> : language !== null && t("advice.ask", { language: name })}
    </Alert>
  );
}

/** For an admin: a step to a model that knows the language, or to all of them. */
function Offer({ language }: { language: string | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = useNavigate();
  const textOf = useErrorText();
  const { show } = useNotices();
  const models = useQuery({
    queryKey: keys.offers,
    queryFn: ({ signal }) => call("GET /api/admin/models", { signal }),
    enabled: language !== null,
  });
  const found = language === null ? undefined : smallest(models.data?.data ?? [], language);
  if (models.isLoading) return null;
  if (found === undefined) {
    return (
      <Button component={Link} to="/admin/models" size="small">
        {t("advice.models")}
      </Button>
    );
  }
  if (found.state === "installed") {
    return (
      <Button component={Link} to="/admin/models" size="small">
        {t("advice.load", { model: found.name })}
      </Button>
    );
  }
  const pull = async () => {
    try {
      await call("POST /api/admin/pulls", { body: { model: found.name } });
      navigate("/admin/models");
    } catch (error) {
      show({ text: textOf(error) });
    }
  };
  return (
    <Button size="small" onClick={pull}>
      {t("advice.pull", { model: found.name, size: format.bytes(found.num_bytes), terms: found.licence ?? "?" })}
    </Button>
  );
}

/** One that is here before one that would have to come. */
export function smallest(models: readonly ModelView[], language: string): ModelView | undefined {
  const able = models.filter(
    (each) => each.kind === "chat" && each.good_for !== "vision" && each.languages.length > 0 && !lacks(each, language),
  );
  const usable = able.filter(({ state }) => state !== "broken");
  const rank = ({ state, num_bytes }: ModelView) => (state === "installed" ? 0 : 1e15) + num_bytes;
  return usable.sort((one, other) => rank(one) - rank(other))[0];
}
