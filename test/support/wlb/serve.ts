/** xcp-wlb as a process, with settings of its own, and a pool's caller for it. */
import type { WlbMethod } from "../../../src/wlbProtocol/methods.ts";
import { type RunningProgram, startProgram } from "../programs.ts";
import { type ClientPool, faultAbove, readAnswer, type Verdict } from "./clientReader.ts";
import { exchange, requestBytes, type WireReply } from "./wire.ts";

/** The user and password of the recorded requests, with a hash that was made by --hash-password. */
export const wlbUser = "wlbuser";
export const wlbPassword = "s3cret&<x>";

export interface RunningWlb {
  readonly port: number;
  readonly program: RunningProgram;
  /** Asks as the pool would; the bytes of the answer. */
  readonly ask: (method: WlbMethod, parameters: string, options?: AskOptions) => Promise<WireReply>;
  /** The same, as the pool's client understands it. */
  readonly verdict: (
    method: WlbMethod,
    parameters: string,
    pool?: ClientPool,
    options?: AskOptions,
  ) => Promise<Verdict>;
  readonly stop: () => Promise<void>;
}

export interface AskOptions {
  readonly from?: string;
  readonly password?: string;
  readonly host?: string;
}

export const nobody: ClientPool = { hosts: [], liveHosts: [], vms: [] };

/** Starts it on a port that is free. `settings` are those of the database, and what a test changes. */
export async function startWlb(
  settings: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  deadlineMs = 300_000,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningWlb> {
  const program = await startProgram("xcp-wlb", args, {
    deadlineMs,
    env,
    settings: {
      WlbListen: "127.0.0.1:0",
      WlbUsr: wlbUser,
      WlbPassHash: await passwordHash(),
      WlbRefreshSeconds: "1",
      WlbAllowedAddresses: "192.0.2.10",
      ...settings,
    },
  });
  const [, port = ""] = await program.waitFor(/listening to 127\.0\.0\.1:(\d+)/);
  // The last of the lines that it begins with.
  await program.waitFor(/wlb-enabled=true/);
  const ask: RunningWlb["ask"] = (method, parameters, { from, password = wlbPassword, host } = {}) =>
    exchange(
      { port: Number(port), ...(from === undefined ? {} : { from }) },
      requestBytes(method, parameters, { user: wlbUser, password, ...(host === undefined ? {} : { host }) }),
    );
  return {
    port: Number(port),
    program,
    ask,
    verdict: async (method, parameters, pool = nobody, options = {}) =>
      judged(method, await ask(method, parameters, options), pool),
    stop: async () => {
      program.child.kill("SIGTERM");
      await program.ended;
    },
  };
}

/** What the client makes of a reply, and the layer above it; throws where the reply breaks a rule of the wire. */
export function judged(method: WlbMethod, reply: WireReply, pool: ClientPool): Verdict {
  const { status, headers, body } = reply;
  if (headers.has("transfer-encoding")) throw new Error("the answer came in chunks");
  if (headers.get("content-length") !== String(Buffer.byteLength(body))) throw new Error("a wrong length");
  if (headers.get("connection") !== "close") throw new Error("the connection was to stay open");
  const verdict = readAnswer({ method, status, body }, pool);
  const fault = "result" in verdict ? faultAbove(method, verdict.result, pool) : null;
  if (fault !== null) throw new Error(`${method}: ${fault}`);
  return verdict;
}

let made: Promise<string> | null = null;

/** The hash of the recorded requests' password, by the program itself. */
function passwordHash(): Promise<string> {
  made ??= startProgram("xcp-wlb", ["--hash-password"]).then(async (program) => {
    program.child.stdin.end(`${wlbPassword}\n`);
    const { stdout } = await program.ended;
    return stdout.trim().replace(/^WlbPassHash=/, "");
  });
  return made;
}

/** "<A>x</A><B>y</B>" */
export function parameters(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `<${name}>${value.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</${name}>`)
    .join("\n");
}
