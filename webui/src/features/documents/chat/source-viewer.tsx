/** What an answer cites, opened at its sentence. */
import { useMemo } from "react";
import type { CitationView, SourceView } from "@/api/types.gen";
import { ofSource } from "../viewer/shown";
import { Viewer } from "../viewer/viewer";

interface Props {
  opened: { source: SourceView; citation: CitationView | undefined };
  close: () => void;
}

export function SourceViewer({ opened, close }: Props) {
  const shown = useMemo(() => ofSource(opened.source, opened.citation), [opened]);
  return <Viewer shown={shown} close={close} />;
}
