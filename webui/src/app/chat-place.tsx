/** A chat with what belongs to its list too, which comes when the page is idle. */
import { useEffect } from "react";
import { ChatPage } from "@/features/chat/chat-page";
import { latePart, whenIdle } from "@/ui/late-part";

const Actions = latePart(() => import("./own-actions").then((module) => module.OwnActions));
const Rename = latePart(() => import("@/features/sessions/session-rename").then((module) => module.SessionRename));

export function ChatPlace() {
  useEffect(() => whenIdle(() => [Actions, Rename].map(({ preload }) => preload())), []);
  return <ChatPage Actions={Actions.Part} Rename={Rename.Part} />;
}
