/** Code → a tree of scopes and text, by highlight.js's own emitter: its HTML is never made. Pure; loaded lazily. */
import type { Emitter } from "highlight.js";
import hljs from "highlight.js/lib/core";
import { languages } from "./languages";

export type CodeNode = string | { scope: string; children: CodeNode[] };

for (const [name, definition] of Object.entries(languages)) hljs.registerLanguage(name, definition);

/** Collects what highlight.js finds, as its private tree does, without `toHTML`. */
class TreeEmitter implements Emitter {
  readonly root: CodeNode[] = [];
  #open: CodeNode[][] = [this.root];

  addText(text: string): void {
    if (text) this.#open.at(-1)?.push(text);
  }

  startScope(scope: string): void {
    const node = { scope, children: [] };
    this.#open.at(-1)?.push(node);
    this.#open.push(node.children);
  }

  endScope(): void {
    if (this.#open.length > 1) this.#open.pop();
  }

  openNode(scope: string): void {
    this.startScope(scope);
  }

  closeNode(): void {
    this.endScope();
  }

  __addSublanguage(emitter: Emitter, name: string): void {
    this.#open.at(-1)?.push({ scope: `language:${name}`, children: (emitter as TreeEmitter).root });
  }

  finalize(): void {
    this.#open = [this.root];
  }

  toHTML(): string {
    return "";
  }
}

hljs.configure({ __emitter: TreeEmitter });

/** The code itself where the language is not known. */
export function highlight(code: string, language: string): CodeNode[] {
  if (!hljs.getLanguage(language)) return [code];
  const { _emitter } = hljs.highlight(code, { language, ignoreIllegals: true });
  return (_emitter as TreeEmitter).root;
}
