/** What was asked for: while it comes, when it does not, and, once it is there, when it could not be read again. */
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Loading } from "@/ui/loading";
import { QueryProblem } from "@/ui/query-problem";
import { useErrorText } from "@/ui/use-error-text";

interface Props<Data> {
  query: Pick<UseQueryResult<Data>, "data" | "error" | "refetch">;
  children: (data: Data) => ReactNode;
}

export function Loaded<Data>({ query, children }: Props<Data>) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const { data, error } = query;
  if (data === undefined) {
    return error ? <QueryProblem error={error} retry={() => query.refetch()} /> : <Loading />;
  }
  const again = (
    <Button color="inherit" size="small" onClick={() => query.refetch()}>
      {t("common.retry")}
    </Button>
  );
  return (
    <>
      {error && (
        <Alert severity="warning" action={again} sx={{ mb: 2 }}>
          {t("admin.stale")} {textOf(error)}
        </Alert>
      )}
      {children(data)}
    </>
  );
}
