/** What a model thought before it answered, told apart from the answer. Pure. */

export interface Answer {
  reasoning: string | null;
  /** It is thinking still. */
  isThinking: boolean;
  answer: string;
}

const OPENING = /^\s*<(think|thinking|reasoning)>\n?/;
/** Templates that open the tag themselves leave the model only the closing one, on a line of its own. */
const LONE_CLOSING = /^[ \t]*<\/(?:think|thinking|reasoning)>[ \t]*$/m;

export function splitReasoning(text: string): Answer {
  const opening = OPENING.exec(text);
  if (opening) {
    const start = opening[0].length;
    const closing = `</${opening[1]}>`;
    const end = text.indexOf(closing, start);
    if (end < 0) return { reasoning: text.slice(start), isThinking: true, answer: "" };
    return answered(text.slice(start, end), text.slice(end + closing.length));
  }
  if (!text.includes("</")) return { reasoning: null, isThinking: false, answer: text };
  const closing = LONE_CLOSING.exec(text);
  if (!closing) return { reasoning: null, isThinking: false, answer: text };
  return answered(text.slice(0, closing.index), text.slice(closing.index + closing[0].length));
}

function answered(reasoning: string, answer: string): Answer {
  return { reasoning: reasoning.trim() || null, isThinking: false, answer: answer.trimStart() };
}
