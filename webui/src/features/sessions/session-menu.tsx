/** The actions of one chat of the list. */
import { lazy, Suspense, useState } from "react";
import type { SessionView } from "@/api/types.gen";
import { ActionMenu } from "@/ui/action-menu";
import { useSessionItems } from "./use-session-items";

const FolderDialog = lazy(() => import("./folder-dialog").then((module) => ({ default: module.FolderDialog })));

interface Props {
  session: SessionView;
  anchor: HTMLElement | null;
  close: () => void;
  rename: () => void;
  /** Begins to choose several, with this one. */
  choose: () => void;
}

export function SessionMenu({ session, anchor, close, rename, choose }: Props) {
  const itemsOf = useSessionItems();
  const [isFiling, setFiling] = useState(false);
  const place = { rename, choose, file: () => setFiling(true) };
  return (
    <>
      <ActionMenu anchor={anchor} close={close} actions={itemsOf(session, place)} />
      <Suspense>{isFiling && <FolderDialog sessions={[session]} close={() => setFiling(false)} />}</Suspense>
    </>
  );
}
