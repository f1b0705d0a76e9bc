/** What is in a viewer: the bar, and below it the page as it is drawn or as text. */
import Box from "@mui/material/Box";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { documentQuery, pageQuery } from "@/api/documents";
import { ApiError } from "@/api/errors";
import { latePart } from "@/ui/late-part";
import { Loading } from "@/ui/loading";
import { QueryProblem } from "@/ui/query-problem";
import { GoneDocument } from "./gone-document";
import type { Shown } from "./shown";
import { TextPage } from "./text-page";
import { ViewerBar } from "./viewer-bar";

const PdfPage = latePart(() => import("./pdf-page").then((module) => module.PdfPage));

interface Props {
  shown: Shown;
  close: () => void;
}

export function ViewerSheet({ shown, close }: Props) {
  const { t } = useTranslation();
  const [turned, setTurned] = useState<{ from: Shown; number: number } | null>(null);
  const [isText, setText] = useState(false);
  const number = turned?.from === shown ? turned.number : shown.page;
  const about = useQuery({ ...documentQuery(shown.documentId), enabled: shown.isThere });
  const page = useQuery({ ...pageQuery(shown.documentId, number), enabled: shown.isThere });
  const isGone = !shown.isThere || [about.error, page.error].some((each) => isNotFound(each));
  const isPdf = about.data?.format === "pdf";
  const span = number === shown.page ? shown.span : null;
  const error = about.error ?? page.error;
  return (
    <Box sx={{ height: "100%", display: "flex", flexDirection: "column" }}>
      <ViewerBar
        name={shown.name}
        documentId={isGone ? null : shown.documentId}
        number={number}
        numPages={about.data?.num_pages ?? page.data?.num_pages ?? null}
        label={page.data?.label ?? ""}
        turn={(to) => setTurned({ from: shown, number: to })}
        isText={isText}
        setText={isPdf ? setText : null}
        close={close}
      />
      <Box
        tabIndex={0}
        role="region"
        aria-label={t("documents.pageOf", { number })}
        aria-busy={page.isFetching}
        data-page={page.data?.number}
        sx={{ flex: 1, minHeight: 0, overflowY: "auto", bgcolor: "background.sunken", p: { xs: 1.5, sm: 2.5 } }}
      >
        {isGone ? (
          <GoneDocument text={shown.text} />
        ) : error ? (
          <QueryProblem error={error} retry={() => [about.refetch(), page.refetch()]} />
        ) : !page.data || !about.data ? (
          <Loading />
        ) : isPdf && !isText && page.data.width > 0 ? (
          <PdfPage.Part documentId={shown.documentId} page={page.data} span={span} fail={() => setText(true)} />
        ) : page.data.is_scanned ? (
          <Box component="p" sx={{ m: 0, color: "text.secondary" }}>
            {t("documents.scannedPage")}
          </Box>
        ) : (
          <TextPage number={number} text={page.data.text} span={span} />
        )}
      </Box>
    </Box>
  );
}

function isNotFound(error: Error | null): boolean {
  return error instanceof ApiError && error.status === 404;
}
