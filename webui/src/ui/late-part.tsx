/**
 * A part of the page that is not needed at once: its code comes when the page has nothing else to do, so that it is there
 * when the server is not. Without its code the page goes on without it.
 */
import { type ComponentType, lazy, Suspense, useState } from "react";
import { FallbackOnError } from "@/lib/fallback-on-error";

interface LatePart<Props> {
  Part: ComponentType<Props>;
  preload: () => Promise<unknown>;
}

export function latePart<Props extends object>(load: () => Promise<ComponentType<Props>>): LatePart<Props> {
  let loaded: ComponentType<Props> | null = null;
  const loading = async () => {
    loaded = await load();
    return { default: loaded };
  };
  return {
    Part: (props) => {
      // What is there is shown at once; else each place asks anew, as a promise that failed once fails for ever.
      const [Chosen] = useState<ComponentType<Props>>(
        () => loaded ?? (lazy(loading) as unknown as ComponentType<Props>),
      );
      return (
        <FallbackOnError fallback={null}>
          <Suspense>
            <Chosen {...props} />
          </Suspense>
        </FallbackOnError>
      );
    },
    preload: () => loading().catch(() => undefined), // asked again when it is shown
  };
}

/** For an effect. Safari has no idle time to give. */
export function whenIdle(act: () => void): void {
  if ("requestIdleCallback" in window) requestIdleCallback(act, { timeout: 5000 });
  else setTimeout(act, 2000);
}
