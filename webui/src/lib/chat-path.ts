/** Our own path of a chat, or of a message in it. */
export function messagePath(sessionId: string, messageId: string | null): string {
  return messageId === null ? `/chat/${sessionId}` : `/chat/${sessionId}?message=${messageId}`;
}

/** The chat that an address names, if it names one: "/chat/…". */
export function sessionIdIn(pathname: string): string | undefined {
  return /^\/chat\/([\w-]+)$/.exec(pathname)?.[1];
}
