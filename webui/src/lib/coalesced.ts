/** Runs again and again, never twice at once: whoever asks while it runs gets one more run after it, and what that returns. */
export function coalesced<Result>(run: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | null = null;
  let isWanted = false;
  const loop = async () => {
    let result: Result;
    do {
      isWanted = false;
      result = await run();
    } while (isWanted);
    return result;
  };
  return () => {
    isWanted = true;
    running ??= loop().finally(() => {
      running = null;
    });
    return running;
  };
}
