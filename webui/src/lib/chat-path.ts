/** The chat that an address names, if it names one: "/chat/…". */
export function sessionIdIn(pathname: string): string | undefined {
  return /^\/chat\/([\w-]+)$/.exec(pathname)?.[1];
}
