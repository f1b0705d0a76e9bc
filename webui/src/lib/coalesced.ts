/** Runs again and again, never twice at once: whoever asks while it runs gets one more run after it. */
export function coalesced(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let isWanted = false;
  const loop = async () => {
    do {
      isWanted = false;
      await run();
    } while (isWanted);
  };
  return () => {
    isWanted = true;
    running ??= loop().finally(() => {
      running = null;
    });
    return running;
  };
}
