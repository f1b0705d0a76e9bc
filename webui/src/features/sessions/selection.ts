/** Which chats of the list are chosen, to do something with all of them. Pure. */
import type { SessionView } from "@/api/types.gen";

export interface Selection {
  chosen: ReadonlyMap<string, SessionView>;
  /** Where a range begins. */
  lastId: string | null;
}

export const NOTHING: Selection = { chosen: new Map(), lastId: null };

/** `isRange`: with all between it and the one before, which become as it becomes. `order`: as the list has them. */
export function toggled(
  selection: Selection,
  session: SessionView,
  order: readonly SessionView[],
  isRange: boolean,
): Selection {
  const isChosen = !selection.chosen.has(session.session_id);
  const chosen = new Map(selection.chosen);
  for (const each of isRange ? between(order, selection.lastId, session.session_id) : [session]) {
    if (isChosen) chosen.set(each.session_id, each);
    else chosen.delete(each.session_id);
  }
  return { chosen, lastId: session.session_id };
}

export function all(order: readonly SessionView[]): Selection {
  return { chosen: new Map(order.map((session) => [session.session_id, session])), lastId: null };
}

function between(order: readonly SessionView[], oneId: string | null, otherId: string): readonly SessionView[] {
  const places = [oneId, otherId].map((id) => order.findIndex((session) => session.session_id === id));
  const known = places.filter((place) => place >= 0);
  return order.slice(Math.min(...known), Math.max(...known) + 1);
}
