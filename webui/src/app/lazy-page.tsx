/**
 * A page whose code comes when it is asked for, and is shown at once when it is here already: what follows a fallback,
 * however short, React holds back for 300 ms, and a chat that is loaded anew would pay that twice.
 */
import { type ComponentType, lazy, useState } from "react";

interface LazyPage {
  Page: ComponentType;
  /** Fetches the code. What fails is tried again when the page is shown. */
  preload: () => Promise<void>;
}

export function lazyPage(load: () => Promise<ComponentType>): LazyPage {
  let loaded: ComponentType | null = null;
  const loading = async () => {
    loaded = await load();
    return { default: loaded };
  };
  const Later = lazy(loading);
  return {
    // Chosen once: another component in its place would be another page to React.
    Page: () => {
      const [Chosen] = useState<ComponentType>(() => loaded ?? Later);
      return <Chosen />;
    },
    preload: () =>
      loading().then(
        () => undefined,
        () => undefined,
      ),
  };
}
