/** A chat with what belongs to its list too, which comes when the page is idle. */
import { useEffect } from "react";
import { ChatPage } from "@/features/chat/chat-page";
import type { DocumentMeans } from "@/features/chat/documents/means";
import { withPageWords } from "@/lib/i18n";
import { latePart, whenIdle } from "@/ui/late-part";

const Actions = latePart(() => import("./own-actions").then((module) => module.OwnActions));
const Rename = latePart(() => import("@/features/sessions/session-rename").then((module) => module.SessionRename));

const loadShelf = () => withPageWords(import("@/features/documents/chat/shelf"));
const Shelf = latePart(() => loadShelf().then((module) => module.Shelf));
const SourceList = latePart(() =>
  withPageWords(import("@/features/documents/chat/source-list")).then((module) => module.SourceList),
);
const SourceViewer = latePart(() =>
  withPageWords(import("@/features/documents/chat/source-viewer")).then((module) => module.SourceViewer),
);
const documents: DocumentMeans = {
  Shelf: Shelf.Part,
  SourceList: SourceList.Part,
  Viewer: SourceViewer.Part,
  attach: (files, place, queries) => loadShelf().then((module) => module.attach(files, place, queries)),
};

export function ChatPlace() {
  useEffect(() => whenIdle(() => [Actions, Rename, Shelf, SourceList].map(({ preload }) => preload())), []);
  return <ChatPage Actions={Actions.Part} Rename={Rename.Part} documents={documents} />;
}
