/** A chat, or the place where one begins. */
import { useParams } from "react-router";
import { NewChat } from "./new-chat";
import { type OwnersMeans, SessionChat } from "./session-chat";

export function ChatPage(means: OwnersMeans) {
  const { sessionId } = useParams();
  return sessionId === undefined ? <NewChat /> : <SessionChat key={sessionId} sessionId={sessionId} {...means} />;
}
