/** What is wrong with a form before it is sent: everything at once. Pure. */
import type { Faults } from "./use-signing-in";

/** As the server counts them (passwords.py). */
export const MIN_PASSWORD_LENGTH = 8;

export interface Wanted {
  name: string;
  value: string;
  minLength?: number;
}

interface Words {
  missing: string;
  tooShort: string;
}

/** Of each field that is empty or too short. A password's blanks count. */
export function faultsOf(wanted: readonly Wanted[], words: Words): Faults {
  const found: Record<string, string> = {};
  for (const { name, value, minLength = 1 } of wanted) {
    if (!value.trim()) found[name] = words.missing;
    else if ([...value].length < minLength) found[name] = words.tooShort;
  }
  return found;
}
