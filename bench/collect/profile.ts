/** Where the processor's time of a run went, by the files its samples were taken in (node --cpu-prof). */
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly url: string; readonly functionName: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface CpuShares {
  /** Answers to values and records. */
  readonly parsing: number;
  /** TLS, HTTP, sockets. */
  readonly wire: number;
  /** Snapshot, placement, infeasible pairs. */
  readonly snapshot: number;
  readonly database: number;
  readonly garbage: number;
  /** Node's start, loading of modules and what else there is. */
  readonly other: number;
}

const places: readonly (readonly [keyof CpuShares, RegExp])[] = [
  [
    "parsing",
    /\/(xml\/scanner|xml\/references|xapi\/xml|xapi\/scalars|codec|fields|record\w*|rrd|xmlStream)\.js$/,
  ],
  ["database", /\/src\/store\/|mysql2|\/node_modules\/(sqlstring|iconv-lite|denque|long)/],
  ["snapshot", /\/xapi\/(snapshot|placement|dataSources)\.js$/],
  [
    "wire",
    /\/xapi\/(transport|tls|rpc|session|verbs)\.js$|^node:(_?http|_?tls|net|internal\/(stream|http|tls|net|crypto)|_?stream|internal\/js_stream|buffer)/,
  ],
];

/** Milliseconds by part, from the one profile in `folder`, which is removed. */
export async function readShares(folder: string): Promise<CpuShares> {
  const [file] = (await readdir(folder)).filter((name) => name.endsWith(".cpuprofile"));
  if (file === undefined) throw new Error(`there is no profile in ${folder}`);
  const profile = JSON.parse(await readFile(join(folder, file), "utf8")) as CpuProfile;
  await rm(folder, { recursive: true });
  const partOf = partsOfNodes(profile);
  const shares = { parsing: 0, wire: 0, snapshot: 0, database: 0, garbage: 0, other: 0 };
  profile.samples.forEach((id, index) => {
    const part = partOf.get(id);
    if (part !== undefined && part !== "idle") shares[part] += (profile.timeDeltas[index] ?? 0) / 1000;
  });
  return shares;
}

/** Each node's part: its own file's, or that of whoever called into a file of no part. */
function partsOfNodes({ nodes }: CpuProfile): Map<number, keyof CpuShares | "idle"> {
  const parts = new Map<number, keyof CpuShares | "idle">();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const visit = (id: number, inherited: keyof CpuShares | "idle"): void => {
    const node = byId.get(id);
    if (node === undefined) return;
    const { url, functionName } = node.callFrame;
    const special = { "(idle)": "idle", "(garbage collector)": "garbage" } as const;
    const known = Object.hasOwn(special, functionName)
      ? special[functionName as keyof typeof special]
      : undefined;
    const part = known ?? places.find(([, pattern]) => pattern.test(url))?.[0] ?? inherited;
    parts.set(id, part);
    for (const child of node.children ?? []) visit(child, part);
  };
  visit(nodes[0]?.id ?? 0, "other");
  return parts;
}
