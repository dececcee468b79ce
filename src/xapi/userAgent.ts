/** How every request names us: pools from xapi 26.17 on can give callers a limit of their own by it. */

import { readFileSync } from "node:fs";

/** "xcp-balance/0.1.0", by package.json, which lies as far from src/xapi as from dist/xapi. */
export const userAgent: string = `xcp-balance/${version()}`;

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}
