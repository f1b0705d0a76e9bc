/**
 * Which modules share a chunk on the way to the first chat. Left to itself the bundler makes sixty of them, which
 * compress worse than a few and are asked for one by one.
 */
import { fileURLToPath } from "node:url";
import type { Rolldown } from "vite";

type Context = Parameters<Rolldown.CodeSplittingNameFunction>[1];

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const ENTRY = at("src/main.tsx");
const ADMINISTRATION = at("src/admin.tsx");
const CHAT = [at("src/app/signed-in.tsx"), at("src/app/chat-place.tsx")];

/** MUI's lists of exports and of class names import these, which only later chunks draw. */
const NAMED_ALONE = ["InputBase/InputBase", "Divider/Divider", "SvgIcon/SvgIcon", "utils/createSvgIcon"].map(
  (name) => `@mui/material/${name}.mjs`,
);

/**
 * For `codeSplitting`. No chunk needs a later one: "start" is every page's, "ui" the chat's and others', "chat" the
 * chat's alone.
 */
export function chunkNames(): Rolldown.CodeSplittingNameFunction {
  let sets: { entry: Set<string>; administration: Set<string>; chat: Set<string> } | null = null;
  return (id, context) => {
    sets ??= {
      entry: reachable(context, [ENTRY], false),
      administration: reachable(context, [ADMINISTRATION], true),
      chat: reachable(context, CHAT, false),
    };
    if (sets.entry.has(id)) return sets.administration.has(id) ? "start" : null;
    if (!sets.chat.has(id)) return null;
    return sets.administration.has(id) ? "ui" : "chat";
  };
}

/** `isLater`: also by `import()`. */
function reachable(context: Context, from: readonly string[], isLater: boolean): Set<string> {
  const found = new Set<string>();
  const open = [...from];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id) || NAMED_ALONE.some((end) => id.endsWith(end))) continue;
    found.add(id);
    const info = context.getModuleInfo(id);
    if (!info && from.includes(id)) throw new Error(`no module ${id}`);
    open.push(...(info?.importedIds ?? []), ...(isLater ? (info?.dynamicallyImportedIds ?? []) : []));
  }
  return found;
}
