/**
 * A component whose code is loaded when it is first needed. It is shown in the turn in which a growing answer is drawn,
 * which Suspense would not wait for: a drawing of its own, in the midst of the answer's.
 */
import { type ComponentType, useSyncExternalStore } from "react";
import { inFrame } from "@/lib/frame";

/** A hook: the component, or null until its code is here. What failed (no line) is tried again by who needs it next. */
export function latePart<Props>(load: () => Promise<ComponentType<Props>>): () => ComponentType<Props> | null {
  const listeners = new Set<() => void>();
  let part: ComponentType<Props> | null = null;
  let isLoading = false;

  const show = (loaded: ComponentType<Props>) => {
    part = loaded;
    for (const listener of listeners) listener();
  };
  const begin = async () => {
    if (part || isLoading) return;
    isLoading = true;
    try {
      const loaded = await load();
      inFrame(() => show(loaded));
    } catch {
      isLoading = false;
    }
  };
  const subscribe = (listener: () => void) => {
    listeners.add(listener);
    begin();
    return () => {
      listeners.delete(listener);
    };
  };
  return () => useSyncExternalStore(subscribe, () => part);
}
