/** How the values of a snapshot's text are written and read. Pure. */
import { asUuid, type DemandSource, demandSources, type Uuid } from "../domain/pool.ts";
import type { Codec } from "./codec.ts";
import { quote, SnapshotProblem, unquote } from "./words.ts";

const unknown = "-";

/** yes or no. */
export const flag: Codec<boolean> = {
  print: (value) => (value ? "yes" : "no"),
  parse: (written) => {
    if (written !== "yes" && written !== "no") throw new SnapshotProblem("must be yes or no");
    return written === "yes";
  },
};

/** A number in the shortest form that reads back as exactly the same. */
export const number: Codec<number> = {
  print: (value) => (Object.is(value, -0) ? "-0" : String(value)),
  parse: (written) => {
    const value = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(written) ? Number(written) : Number.NaN;
    if (!Number.isFinite(value)) throw new SnapshotProblem("must be a number");
    return value;
  },
};

/** What tells of a demand, as a bare word; what a later version writes is as good as what was measured. */
export const demandSource: Codec<DemandSource> = {
  print: (value) => value,
  parse: (written) => demandSources.find((source) => source === written) ?? "measured",
};

/** A text in quotes. */
export const text: Codec<string> = { print: quote, parse: unquote };

/** A uuid, bare. */
export const uuid: Codec<Uuid> = {
  print: (value) => value,
  parse: (written) => {
    if (!/^[\w.:-]{1,36}$/.test(written)) throw new SnapshotProblem("must be a uuid");
    return asUuid(written);
  },
};

/** Texts in quotes, in their order: ["a","b"]. */
export const list: Codec<readonly string[]> = {
  print: (values) => `[${values.map(quote).join(",")}]`,
  parse: (written) => {
    if (!/^\[.*\]$/su.test(written)) throw new SnapshotProblem('must be a list such as ["a","b"]');
    return (written.match(/"(?:[^"\\]|\\.)*"/g) ?? []).map(unquote);
  },
};

/** Numbers by name: ["loadavg=1.5"]. */
export const values: Codec<Readonly<Record<string, number>>> = {
  print: (all) =>
    list.print(
      Object.keys(all)
        .sort()
        .map((name) => `${name}=${number.print(all[name] ?? 0)}`),
    ),
  parse: (written) =>
    Object.fromEntries(
      list.parse(written).map((each) => {
        const at = each.lastIndexOf("=");
        if (at < 1) throw new SnapshotProblem("must be a list of names with values");
        return [each.slice(0, at), number.parse(each.slice(at + 1))];
      }),
    ),
};

/** Not written where it is null, so that texts of before the key was there can be read. */
export function optional<T>(codec: Codec<T>): Codec<T | null> {
  return { ...orUnknown(codec), absent: null };
}

/** A dash where the value is unknown. */
export function orUnknown<T>(codec: Codec<T>): Codec<T | null> {
  return {
    print: (value) => (value === null ? unknown : codec.print(value)),
    parse: (written) => (written === unknown ? null : codec.parse(written)),
  };
}
