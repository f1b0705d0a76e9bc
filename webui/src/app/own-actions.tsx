/** The menu of a chat with what the list of chats can do with it: here, for features do not know each other. */
import { lazy, Suspense, useState } from "react";
import { ChatActions, type ChatActionsProps } from "@/features/chat/chat-actions";
import type { ChatMenuProps } from "@/features/chat/session-chat";
import { useSessionItems } from "@/features/sessions/use-session-items";

const FolderDialog = lazy(() =>
  import("@/features/sessions/folder-dialog").then((module) => ({ default: module.FolderDialog })),
);

export function OwnActions({ own, rename, ...rest }: ChatMenuProps & Omit<ChatActionsProps, "ofOwner">) {
  const itemsOf = useSessionItems();
  const [isFiling, setFiling] = useState(false);
  const ofOwner = own && itemsOf(own, { rename, file: () => setFiling(true) });
  return (
    <>
      <ChatActions {...rest} ofOwner={ofOwner} />
      <Suspense>{own && isFiling && <FolderDialog sessions={[own]} close={() => setFiling(false)} />}</Suspense>
    </>
  );
}
