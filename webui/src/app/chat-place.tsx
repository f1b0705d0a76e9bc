/** A chat with what its list can do with it: here, for features do not know each other. */
import { lazy, Suspense, useState } from "react";
import type { SessionView } from "@/api/types.gen";
import { ChatPage } from "@/features/chat/chat-page";
import { useSessionActions } from "@/features/sessions/use-session-actions";
import { useSessionItems } from "@/features/sessions/use-session-items";

const FolderDialog = lazy(() =>
  import("@/features/sessions/folder-dialog").then((module) => ({ default: module.FolderDialog })),
);

export function ChatPlace() {
  const itemsOf = useSessionItems();
  const { change } = useSessionActions();
  const [filed, setFiled] = useState<SessionView | null>(null);
  return (
    <>
      <ChatPage
        itemsOf={(session, rename) => itemsOf(session, { rename, file: () => setFiled(session) })}
        rename={(session, title) => change(session, { title })}
      />
      <Suspense>{filed && <FolderDialog sessions={[filed]} close={() => setFiled(null)} />}</Suspense>
    </>
  );
}
