/** A chat, or the place where one begins. */
import { useParams } from "react-router";
import { NewChat } from "./new-chat";
import { SessionChat } from "./session-chat";

export function ChatPage() {
  const { sessionId } = useParams();
  return sessionId === undefined ? <NewChat /> : <SessionChat key={sessionId} sessionId={sessionId} />;
}
