/** What the prompt says of the data: which pool, and how old. Pure. */

import { span } from "../text/format.ts";
import { onScreen, painted, type TerminalView } from "../text/screen.ts";
import { fitWidth, printable } from "../text/text.ts";

/** The pool that the database holds, and how old its last collection is. */
export interface Standing {
  readonly pool: string;
  readonly ageSeconds: number;
}

/** Columns that a pool's name may take of the line. */
const longestName = 30;

/**
 * "mypool [42s]> "; "mypool [15 min, stale]> " where the data is older than control would act on. `usual` where nothing was
 * collected, or nobody knows.
 */
export function promptOf(
  standing: Standing | null,
  maxAgeSeconds: number,
  usual: string,
  screen: TerminalView | null,
): string {
  if (standing === null) return usual;
  const { pool, ageSeconds } = standing;
  const isStale = !(Math.abs(ageSeconds) <= maxAgeSeconds);
  const age = Number.isFinite(ageSeconds) ? shortAge(Math.max(0, ageSeconds)) : "of unknown age";
  const name = fitWidth(printable(pool), longestName);
  const text = `${name} [${age}${isStale ? ", stale" : ""}]> `;
  if (screen === null) return text;
  return painted(onScreen(text, screen), isStale ? "warning" : null, screen);
}

function shortAge(seconds: number): string {
  return seconds < 120 ? `${Math.round(seconds)}s` : span(seconds, "rough");
}
