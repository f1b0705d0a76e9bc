/** What a program calls itself, made short: "Chrome" on "Linux". Pure. */

export interface ClientName {
  program: string;
  /** Null: it does not say. */
  system: string | null;
}

/** The more particular first: all of these say Safari, most say Chrome. */
const PROGRAMS: [RegExp, string][] = [
  [/\bEdgA?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bWhale\//, "Whale"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:Headless)?Chrome\/|\bCriOS\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/\bAndroid\b/, "Android"],
  [/\b(?:iPhone|iPad|iPod)\b/, "iOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

/** Of a User-Agent header; null: it is empty. */
export function clientName(userAgent: string): ClientName | null {
  const own = /^[^\s/;(]{1,60}/.exec(userAgent.trim())?.[0];
  if (own === undefined) return null;
  const program = PROGRAMS.find(([pattern]) => pattern.test(userAgent))?.[1] ?? own;
  const system = SYSTEMS.find(([pattern]) => pattern.test(userAgent))?.[1] ?? null;
  return { program, system };
}
