/** A page of a PDF as it looks, with what is quoted marked on it. */
import Box from "@mui/material/Box";
import type { PDFDocumentProxy } from "pdfjs-dist/legacy/build/pdf.mjs";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { contentHref } from "@/api/documents";
import type { DocumentPageView } from "@/api/types.gen";
import { Loading } from "@/ui/loading";
import { drawPage, openPdf } from "./pdf";
import { cutAt, marksOf, type Span } from "./spans";
import { MARKED, useSeen } from "./use-seen";

interface Props {
  documentId: string;
  page: DocumentPageView;
  span: Span | null;
  /** It cannot be drawn: it is shown as text then. */
  fail: () => void;
}

export function PdfPage({ documentId, page, span, fail }: Props) {
  const { t } = useTranslation();
  const [pdf, setPdf] = useState<PDFDocumentProxy | null>(null);
  const [width, setWidth] = useState(0);
  const [drawn, setDrawn] = useState(0);
  const sheet = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const giveUp = useEffectEvent(fail);
  const marks = span ? marksOf(page.boxes, span, page) : [];
  const isDrawn = drawn === page.number;

  useEffect(() => {
    const task = openPdf(contentHref(documentId));
    let isOver = false;
    task.promise.then(setPdf).catch(() => isOver || giveUp());
    return () => {
      isOver = true;
      setPdf(null);
      task.destroy();
    };
  }, [documentId]);

  useEffect(() => {
    const element = sheet.current;
    if (!element) return;
    const measure = () => setWidth(element.clientWidth);
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    measure();
    return () => watch.disconnect();
  }, []);

  useEffect(() => {
    if (!pdf || !canvas.current || width === 0) return;
    const control = new AbortController();
    drawPage(pdf, page.number, canvas.current, { width, signal: control.signal })
      .then(() => control.signal.aborted || setDrawn(page.number))
      .catch(() => control.signal.aborted || giveUp());
    return () => control.abort();
  }, [pdf, page.number, width]);

  useSeen(sheet, `${page.number} ${span?.start} ${span?.end}`);
  return (
    <Box
      ref={sheet}
      data-drawn={isDrawn}
      sx={{
        position: "relative",
        width: "100%",
        bgcolor: "#fff", // paper, by night too
        boxShadow: 1,
        "& canvas": { display: "block", width: "100%", height: "100%", visibility: isDrawn ? "visible" : "hidden" },
      }}
      style={{ aspectRatio: `${page.width} / ${page.height}` }}
    >
      {span && <span className="visually-hidden">{t("documents.quoted", { text: cutAt(page.text, span)[1] })}</span>}
      <canvas ref={canvas} role="img" aria-label={t("documents.drawnPage", { number: page.number })} />
      {!isDrawn && (
        <Box sx={{ position: "absolute", inset: 0, color: "#444" }}>
          <Loading />
        </Box>
      )}
      {marks.map(({ left, top, width: share, height }) => (
        <Box
          key={`${left} ${top}`}
          className={MARKED}
          sx={{
            position: "absolute",
            bgcolor: "rgba(255, 214, 0, 0.38)",
            borderBottom: "2px solid rgba(190, 120, 0, 0.9)",
            borderRadius: "2px",
            mixBlendMode: "multiply",
          }}
          style={{
            left: `${100 * left}%`,
            top: `${100 * top}%`,
            width: `${100 * share}%`,
            height: `${100 * height}%`,
          }}
        />
      ))}
    </Box>
  );
}
