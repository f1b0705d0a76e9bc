/** One's own prompts, which "/" brings into a message: kept among the preferences of the account. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { call } from "./client";
import { keys } from "./keys";
import { useMe } from "./use-me";

export interface Preset {
  name: string;
  text: string;
  /** Of a new chat that begins with it; "": none. */
  systemPrompt: string;
}

const KEPT_AS = "presets";

export function usePresets(): readonly Preset[] {
  const kept = useMe().data?.user?.preferences[KEPT_AS];
  return useMemo(() => presetsIn(kept), [kept]);
}

/** Replaces all of them. The server bounds what an account keeps: 16 KiB in all. */
export function useSavePresets() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (presets: readonly Preset[]) =>
      call("PATCH /api/profile", { body: { preferences: { [KEPT_AS]: presets } } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.me }),
  });
}

/** What is none (another program may have written there) is passed over. */
export function presetsIn(kept: unknown): Preset[] {
  if (!Array.isArray(kept)) return [];
  return kept.flatMap((each: unknown) => {
    const { name, text, systemPrompt } = (each ?? {}) as Partial<Preset>;
    if (typeof name !== "string" || !name || typeof text !== "string") return [];
    return [{ name, text, systemPrompt: typeof systemPrompt === "string" ? systemPrompt : "" }];
  });
}

/** Those that "/typed" may mean, those that begin so first; none when `draft` is no command. */
export function presetsFor(draft: string, presets: readonly Preset[]): readonly Preset[] {
  const typed = /^\/(\S*)$/.exec(draft.normalize("NFC"))?.[1]?.toLowerCase();
  if (typed === undefined) return [];
  const places = presets.map((preset) => ({ preset, at: preset.name.normalize("NFC").toLowerCase().indexOf(typed) }));
  return places
    .filter(({ at }) => at >= 0)
    .sort((one, other) => one.at - other.at)
    .map(({ preset }) => preset);
}
