/** Which addresses in a text may become links or pictures. Whatever is not listed stays text. Pure. */

const LINKED = new Set(["http:", "https:", "mailto:"]);
const PICTURE = /^data:image\/(?:png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/=]+$/;

/** The address to link to; null: none (a script, a file, a path on this server). */
export function safeHref(href: string): string | null {
  const url = parsed(href);
  return url && LINKED.has(url.protocol) ? url.href : null;
}

/** Of a picture that lies in the text itself: showing it asks no other host. */
export function isInlinePicture(href: string): boolean {
  return PICTURE.test(href);
}

/** "example.org" of a web address. */
export function hostOf(href: string): string {
  return parsed(href)?.host ?? "";
}

function parsed(href: string): URL | null {
  try {
    return new URL(href);
  } catch {
    return null; // relative: it would point into this application
  }
}
