/** How much a first visit may load. The build fails above it, so that no dependency comes in unnoticed. */
import { gzipSync } from "node:zlib";
import type { Plugin, Rolldown } from "vite";

type Chunk = Rolldown.OutputChunk;

export interface Budget {
  name: string;
  /** Source files whose chunks are loaded, with all that these import. */
  sources: readonly string[];
  /** Not counted: what is loaded before. */
  without?: readonly string[];
  maxKB: number;
}

export function budgets(wanted: readonly Budget[]): Plugin {
  return {
    name: "budgets",
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((each): each is Chunk => each.type === "chunk");
      for (const { name, sources, without = [], maxKB } of wanted) {
        const before = closure(chunks, without);
        const counted = [...closure(chunks, sources)].filter((chunk) => !before.has(chunk));
        const kB = counted.reduce((sum, chunk) => sum + gzipSync(chunk.code, { level: 9 }).length, 0) / 1000;
        const line = `${name}: ${kB.toFixed(1)} of ${maxKB} kB, gzip`;
        if (kB > maxKB) this.error(line);
        this.info(line);
      }
    },
  };
}

function closure(chunks: readonly Chunk[], sources: readonly string[]): Set<Chunk> {
  const found = new Set<Chunk>();
  const add = (chunk: Chunk) => {
    if (found.has(chunk)) return;
    found.add(chunk);
    for (const fileName of chunk.imports) {
      const imported = chunks.find((each) => each.fileName === fileName);
      if (imported) add(imported);
    }
  };
  for (const source of sources) {
    const chunk = chunks.find((each) => each.moduleIds.some((id) => id.endsWith(source)));
    if (!chunk) throw new Error(`no chunk holds ${source}`);
    add(chunk);
  }
  return found;
}
