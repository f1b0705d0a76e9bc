/** Why no model answers now, and what can be done about it. */
import Button from "@mui/material/Button";
import { useTranslation } from "react-i18next";
import { useMe } from "@/api/use-me";
import { addressOf } from "@/lib/place";
import { type ModelChoice, type ModelTrouble, troubleOf } from "../model-choice";
import { Notice } from "./notice";

interface Props {
  choice: ModelChoice;
}

export function ModelNotice({ choice }: Props) {
  const { t } = useTranslation();
  const isAdmin = useMe().data?.user?.role === "admin";
  const trouble = troubleOf(choice);
  if (!trouble) return null;
  const { choose, missing: model } = choice;
  const other = choice.models?.[0];
  const texts: Record<ModelTrouble, string> = {
    none: t(isAdmin ? "composer.noModelAdmin" : "composer.noModel"),
    missing: t(choose ? "composer.modelGone" : "composer.modelGoneOthers", { model }),
    failed: t(isAdmin ? "composer.modelFailedAdmin" : "composer.modelFailed"),
    loading: t("composer.modelLoading"),
  };
  return (
    <Notice isProblem={trouble !== "loading"} text={texts[trouble]}>
      {trouble === "missing" && choose && other && (
        <Button size="small" onClick={() => choose(other.id)}>
          {t("composer.useModel", { model: other.id })}
        </Button>
      )}
      {isAdmin && (trouble === "none" || trouble === "failed") && (
        <Button size="small" component="a" href={addressOf("/admin/models")}>
          {t("composer.toModels")}
        </Button>
      )}
    </Notice>
  );
}
