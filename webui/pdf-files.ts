/**
 * What pdf.js fetches by name while it draws: its worker, the character maps of Korean fonts, the fonts that a PDF may
 * leave out, and decoders of pictures. Built as they are, below a folder that is named for their version.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

const PACKAGE = fileURLToPath(new URL("node_modules/pdfjs-dist", import.meta.url));
/** As features/documents/viewer/pdf.ts asks for them. */
const FOLDER = `assets/pdf-${JSON.parse(readFileSync(`${PACKAGE}/package.json`, "utf-8")).version}`;
/** Maps of other languages weigh a megabyte, and newer files bring their own. */
const KOREAN_MAP = /^(?:KSC|UniKS-|Adobe-Korea1-).*\.bcmap$/;
const DRAWN_BY_NAME: readonly [folder: string, wanted: RegExp][] = [
  ["cmaps", KOREAN_MAP],
  ["standard_fonts", /\.(?:pfb|ttf)$/],
  ["wasm", /_nowasm_fallback\.js$/], // the page's policy has no WebAssembly
];

/** Path below the page → where it lies. */
function pdfFiles(): Map<string, string> {
  const files = new Map([[`${FOLDER}/worker.js`, `${PACKAGE}/legacy/build/pdf.worker.min.mjs`]]);
  for (const [folder, wanted] of DRAWN_BY_NAME) {
    for (const name of readdirSync(`${PACKAGE}/${folder}`).filter((each) => wanted.test(each))) {
      files.set(`${FOLDER}/${name}`, `${PACKAGE}/${folder}/${name}`);
    }
  }
  return files;
}

export function withPdfFiles(): Plugin {
  return {
    name: "pdf-files",
    generateBundle() {
      for (const [fileName, path] of pdfFiles()) this.emitFile({ type: "asset", fileName, source: readFileSync(path) });
    },
    configureServer(server) {
      const files = pdfFiles();
      server.middlewares.use((request, response, next) => {
        const path = files.get((request.url ?? "").slice(1));
        if (!path) return next();
        if (basename(path).endsWith("js")) response.setHeader("content-type", "text/javascript");
        response.end(readFileSync(path));
      });
    },
  };
}
