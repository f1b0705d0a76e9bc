/** A file, link or text that is dropped beside what takes it must not lead away from the page. */

/** Until the returned function is called. Whoever takes drops has prevented the browser's own way before. */
export function keepPageAtDrops(): () => void {
  const keep = (event: DragEvent) => {
    if (event.defaultPrevented || isTaken(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "none";
  };
  window.addEventListener("dragover", keep);
  window.addEventListener("drop", keep);
  return () => {
    window.removeEventListener("dragover", keep);
    window.removeEventListener("drop", keep);
  };
}

/** By the browser itself, into a field. */
function isTaken({ target, dataTransfer }: DragEvent): boolean {
  const field = target instanceof Element ? target.closest("input, textarea") : null;
  const isForFiles = field instanceof HTMLInputElement && field.type === "file";
  return dataTransfer?.types.includes("Files") ? isForFiles : field !== null;
}

/** Files that are dropped anywhere on the page, until the returned function is called. `over`: some are held above it. */
export function takeDrops(take: (files: readonly File[]) => void, over: (isOver: boolean) => void): () => void {
  const hold = (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    over(event.type === "dragover");
    if (event.type === "drop") take([...event.dataTransfer.files]);
  };
  const leave = (event: DragEvent) => event.relatedTarget === null && over(false);
  // Before the guard above, which takes what nobody took.
  const first = { capture: true };
  window.addEventListener("dragover", hold, first);
  window.addEventListener("drop", hold, first);
  window.addEventListener("dragleave", leave, first);
  return () => {
    window.removeEventListener("dragover", hold, first);
    window.removeEventListener("drop", hold, first);
    window.removeEventListener("dragleave", leave, first);
  };
}
