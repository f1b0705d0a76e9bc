/**
 * pdf.js: its worker and all that it fetches lie on our own server (pdf-files.ts), nothing is made code of a string,
 * and scripts, forms and links of a PDF are never looked at: only its page is drawn.
 */
import {
  GlobalWorkerOptions,
  getDocument,
  type PDFDocumentLoadingTask,
  type PDFDocumentProxy,
  type RenderTask,
  version,
} from "pdfjs-dist/legacy/build/pdf.mjs";
import { addressOf } from "@/lib/place";

/** Of a picture in a PDF; larger ones are left out. */
const MAX_IMAGE_PIXELS = 64_000_000;
/** Sharper than this nobody sees, and it costs memory by the square. */
const MAX_SHARPNESS = 2;

export function openPdf(url: string): PDFDocumentLoadingTask {
  const files = addressOf(`/assets/pdf-${version}/`);
  GlobalWorkerOptions.workerSrc = `${files}worker.js`;
  return getDocument({
    url,
    cMapUrl: files,
    standardFontDataUrl: files,
    wasmUrl: files,
    useWasm: false,
    enableXfa: false,
    maxImageSize: MAX_IMAGE_PIXELS,
    verbosity: 0, // a damaged font is told to nobody
  });
}

/** Draws a page `width` CSS pixels wide. Resolves when it is there; `signal` ends it. */
export async function drawPage(
  pdf: PDFDocumentProxy,
  number: number,
  canvas: HTMLCanvasElement,
  { width, signal }: { width: number; signal: AbortSignal },
): Promise<void> {
  const page = await pdf.getPage(number);
  if (signal.aborted) return;
  const natural = page.getViewport({ scale: 1 });
  const sharpness = Math.min(devicePixelRatio, MAX_SHARPNESS);
  const viewport = page.getViewport({ scale: (width * sharpness) / natural.width });
  canvas.width = Math.floor(viewport.width);
  canvas.height = Math.floor(viewport.height);
  const drawing: RenderTask = page.render({ canvas, viewport, annotationMode: 0 });
  signal.addEventListener("abort", () => drawing.cancel(), { once: true });
  try {
    await drawing.promise;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
