/**
 * Keyboard shortcuts: "mod+k" is ⌘K on a Mac, Ctrl+K elsewhere. Pure.
 *
 * Letters are told by the key's place (`code`), not by what it writes: with Hangul switched on, K writes ㅏ.
 */

interface Press {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
}

const MODIFIERS = ["mod", "shift", "alt"];
const MAC_SIGNS: Record<string, string> = { mod: "⌘", shift: "⇧", alt: "⌥", enter: "↩", escape: "esc" };

export function isMac(platform: string = navigator.platform): boolean {
  return /^(?:Mac|iP)/.test(platform);
}

export function matchesHotkey(event: Press, hotkey: string, onMac: boolean = isMac()): boolean {
  const { modifiers, key } = parsed(hotkey);
  const mod = onMac ? event.metaKey : event.ctrlKey;
  const other = onMac ? event.ctrlKey : event.metaKey;
  if (other || mod !== modifiers.has("mod") || event.altKey !== modifiers.has("alt")) return false;
  const isSign = key.length === 1 && !/[a-z0-9]/.test(key); // "/" and "?": where they are depends on the keyboard
  if (isSign) return event.key === key;
  return event.shiftKey === modifiers.has("shift") && keyOf(event) === key;
}

/** As the keyboard has it: "⌘K", "Ctrl+K". */
export function shownHotkey(hotkey: string, onMac: boolean = isMac()): string {
  const { modifiers, key } = parsed(hotkey);
  const parts = [...MODIFIERS.filter((name) => modifiers.has(name)), key];
  if (onMac) return parts.map((part) => MAC_SIGNS[part] ?? capital(part)).join("");
  return parts.map((part) => (part === "mod" ? "Ctrl" : capital(part))).join("+");
}

/** Whether a press of a plain key there is writing. */
export function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

function parsed(hotkey: string): { modifiers: Set<string>; key: string } {
  const parts = hotkey.split("+");
  return { modifiers: new Set(parts.slice(0, -1)), key: parts.at(-1) ?? "" };
}

function keyOf(event: Press): string {
  const place = /^(?:Key|Digit)(.)$/.exec(event.code)?.[1];
  return (place ?? event.key).toLowerCase();
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
