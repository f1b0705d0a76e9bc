/** Sends a draft: the field is emptied, and filled again when it was not taken. */
import { useState } from "react";
import { useLineBack } from "@/live/use-line-back";
import { withAttachments } from "../attachment";
import { type ChangeDraft, type Draft, joined, NOTHING } from "../drafts";

/** "waits": the server could not be reached, and gets the draft when it is back. */
export type Sending = "taken" | "refused" | "waits";

interface Wanted {
  draft: Draft;
  change: ChangeDraft;
  send: (content: string, draft: Draft) => Promise<Sending>;
  /** Nothing can be sent now. */
  isOff: boolean;
}

export function useSending({ draft, change, send, isOff }: Wanted) {
  const [isSending, setSending] = useState(false);
  const [isWaiting, setWaiting] = useState(false);
  const submit = async (text: string) => {
    const former = { ...draft, text };
    const content = withAttachments(text, former.attachments);
    if (!content || isOff || isSending) return;
    setSending(true);
    setWaiting(false);
    change(NOTHING);
    const sending = await send(content, former);
    setSending(false);
    if (sending === "taken") return;
    change((written) => joined(former, written));
    setWaiting(sending === "waits");
  };
  useLineBack(() => isWaiting && submit(draft.text));
  /** A draft that is changed does not wait any more: its writer is not done with it. */
  const write: ChangeDraft = (of) => {
    setWaiting(false);
    change(of);
  };
  return { submit, isSending, isWaiting, write };
}
