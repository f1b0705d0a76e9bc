/**
 * Below which path of its host this page is served (server.base_path). The one place where addresses are made: what the
 * server is asked, what is opened and what is shown to be copied all come from here.
 */

/** "/tools/chat"; "" at the root of the host, under `vite dev`, and outside of a page (requests of the tests' own). */
export const BASE_PATH = typeof document === "undefined" ? "" : toldIn(document);

export function toldIn(page: Document): string {
  const told = page.querySelector('meta[name="base-path"]')?.getAttribute("content") ?? "";
  return told.startsWith("/") ? told : "";
}

/** The address of one of our own paths on this host: "/tools/chat/api/sessions" of "/api/sessions". */
export function addressOf(path: string, base: string = BASE_PATH): string {
  return base + path;
}

/** The same with the host, to be copied elsewhere. */
export function fullAddressOf(path: string): string {
  return location.origin + addressOf(path);
}

/** Our own path of an address's: "/chat/s1" of "/tools/chat/chat/s1". undefined: it lies elsewhere on this host. */
export function placeOf(pathname: string, base: string = BASE_PATH): string | undefined {
  if (pathname !== base && !pathname.startsWith(`${base}/`)) return undefined;
  return pathname.slice(base.length) || "/";
}

/** A page that was opened past its base path (on the machine itself, without its proxy) goes there: true. */
export function movesBelowBase(
  from: Pick<Location, "pathname" | "search" | "hash" | "replace"> = location,
  base: string = BASE_PATH,
): boolean {
  if (placeOf(from.pathname, base) !== undefined) return false;
  from.replace(addressOf(from.pathname, base) + from.search + from.hash);
  return true;
}

/** Whether the page was reached by an address that leads anybody else to their own machine. */
export function isLocalOnly(hostname: string = location.hostname): boolean {
  return /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}
