/**
 * Sends a file of chats and hears the report that the server writes while it reads it. Throws ApiError; shows nothing.
 *
 * Over XMLHttpRequest, because fetch does not tell how much of a body has been sent.
 */
import { addressOf } from "@/lib/place";
import { ApiError, errorOf } from "./errors";
import type { ReportLine } from "./types.gen";

interface Listeners {
  /** How much of the file the server has, 0 to 1. */
  onSent: (share: number) => void;
  onLines: (lines: ReportLine[]) => void;
  signal: AbortSignal;
}

/** Resolves when the report has ended; aborted, it rejects and the server stops after what it is writing. */
export function importChats(file: Blob, { onSent, onLines, signal }: Listeners): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let numTaken = 0;
    const take = (isWhole: boolean) => {
      if (request.status !== 200) return;
      const text = request.responseText;
      const end = isWhole ? text.length : text.lastIndexOf("\n") + 1;
      const lines = linesOf(text.slice(numTaken, end));
      numTaken = Math.max(numTaken, end);
      if (lines.length > 0) onLines(lines);
    };
    request.open("POST", addressOf("/api/import"));
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.onprogress = ({ loaded, total }) => onSent(total > 0 ? loaded / total : 0);
    request.upload.onload = () => onSent(1);
    request.onprogress = () => take(false);
    request.onload = () => {
      take(true);
      if (request.status === 200) resolve();
      else reject(refusalOf(request));
    };
    request.onerror = () => reject(new ApiError("offline", "The server cannot be reached."));
    request.onabort = () => reject(new ApiError("stopped", "It was stopped."));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

/** JSON lines; what is none is passed over. */
export function linesOf(text: string): ReportLine[] {
  return text.split("\n").flatMap((line) => {
    try {
      return line ? [JSON.parse(line) as ReportLine] : [];
    } catch {
      return [];
    }
  });
}

function refusalOf(request: XMLHttpRequest): ApiError {
  const retryAfter = request.getResponseHeader("retry-after");
  const headers = new Headers(retryAfter ? { "retry-after": retryAfter } : {});
  try {
    return errorOf(request.status, JSON.parse(request.responseText), headers);
  } catch {
    return errorOf(request.status, null, headers);
  }
}
