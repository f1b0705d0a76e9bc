/** A chat, or the place where one begins. */
import { useParams } from "react-router";
import { type DocumentMeans, DocumentMeansOf } from "./documents/means";
import { NewChat } from "./new-chat";
import { type OwnersMeans, SessionChat } from "./session-chat";

interface Props extends OwnersMeans {
  documents: DocumentMeans;
}

export function ChatPage({ documents, ...means }: Props) {
  const { sessionId } = useParams();
  return (
    <DocumentMeansOf value={documents}>
      {sessionId === undefined ? <NewChat /> : <SessionChat key={sessionId} sessionId={sessionId} {...means} />}
    </DocumentMeansOf>
  );
}
