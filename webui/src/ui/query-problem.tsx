/** A request that failed: in words, with a button that tries again where that may help. */
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/errors";
import { Problem } from "./problem";
import { useErrorText } from "./use-error-text";

interface Props {
  error: Error;
  retry: () => void;
}

export function QueryProblem({ error, retry }: Props) {
  const { t } = useTranslation();
  const text = useErrorText();
  const mayPass = !(error instanceof ApiError) || error.isPassing;
  const action = mayPass ? { label: t("common.retry"), onClick: retry } : undefined;
  return (
    <Problem title={t("error.title")} action={action}>
      {text(error)}
    </Problem>
  );
}
