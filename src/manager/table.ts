/** Lists as tables: see text/table.ts, which xcp-control prints with too. */
export * from "../text/table.ts";
