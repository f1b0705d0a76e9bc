/** A snippet of what was found, with the words marked. */

interface Props {
  text: string;
  /** [start, end) in code points, as the server counts. */
  highlights: ReadonlyArray<readonly [number, number]>;
}

export function Highlighted({ text, highlights }: Props) {
  const points = [...text];
  const parts: { text: string; start: number; isMarked: boolean }[] = [];
  let at = 0;
  for (const [start, end] of highlights) {
    parts.push({ text: points.slice(at, start).join(""), start: at, isMarked: false });
    parts.push({ text: points.slice(start, end).join(""), start, isMarked: true });
    at = end;
  }
  parts.push({ text: points.slice(at).join(""), start: at, isMarked: false });
  return (
    <>
      {parts.map((part) =>
        part.isMarked ? <mark key={`m${part.start}`}>{part.text}</mark> : <span key={part.start}>{part.text}</span>,
      )}
    </>
  );
}
