/** Tests of measures over HTTP: a simulated pool on the network whose time stands still, and raw GETs to it. */
import { connect } from "node:net";
import { SimulatedPool, type SimulatedPoolOptions } from "../../src/simulator/behaviour/simulatedPool.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulator/server/server.ts";
import { call } from "./simServer.ts";

export interface ServedPool {
  readonly pool: SimulatedPool;
  readonly running: RunningSimulator;
  /** A session of the master. */
  readonly session: string;
  /** Of the host at this place; the master is the first. */
  url(index?: number): string;
  /** GET with the session, or with whatever headers are given instead. */
  get(path: string, options?: GetOptions): Promise<Got>;
  /** GET /rrd_updates of the last `seconds`. */
  updates(query?: string, options?: GetOptions & { readonly seconds?: number }): Promise<Got>;
  /** A value as the API's own calls tell it. */
  query(cls: "host" | "VM", ref: string, source: string): Promise<number>;
  stop(): Promise<void>;
}

export interface GetOptions {
  /** Which host; the master by default. */
  readonly host?: number;
  /** Instead of the session's. */
  readonly headers?: readonly string[];
}

export interface Got {
  readonly status: number;
  readonly head: string;
  readonly body: string;
  /** Whether the server closed the connection by itself. */
  readonly closed: boolean;
}

export async function serve(scenario: string, options: SimulatedPoolOptions = {}): Promise<ServedPool> {
  const pool = SimulatedPool.fromScenario(scenario, { manualClock: true, badPasswordDelayMs: 0, ...options });
  const running = await startSimulator(pool, { http: true, https: false });
  const url = (index = 0): string => running.hosts[index]?.httpUrl ?? "";
  const session = String(await call(url(), "session.login_with_password", "root", "xenroot"));
  const get = (path: string, { host = 0, headers }: GetOptions = {}): Promise<Got> =>
    getRaw(url(host), path, headers ?? [`Cookie: session_id=${session}`]);
  return {
    pool,
    running,
    session,
    url,
    get,
    updates: (query = "cf=AVERAGE&host=true", { seconds = 12, ...rest } = {}) =>
      get(`/rrd_updates?start=${Math.floor(pool.clock.now() / 1000) - seconds}&${query}`, rest),
    query: async (cls, ref, source) =>
      Number(await call(url(), `${cls}.query_data_source`, session, ref, source)),
    stop: async () => {
      await running.stop();
      pool.close();
    },
  };
}

/** Sends a GET that asks to keep the connection and reads until the server closes it, or has been silent for two seconds. */
export function getRaw(url: string, path: string, headers: readonly string[]): Promise<Got> {
  const { hostname, port } = new URL(url);
  return new Promise((done, fail) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname);
    const finish = (closed: boolean): void => {
      socket.destroy();
      const text = Buffer.concat(chunks).toString();
      const cut = text.indexOf("\r\n\r\n");
      const head = text.slice(0, cut);
      done({ status: Number(head.split(" ")[1]), head, body: text.slice(cut + 4), closed });
    };
    // An answer that has not begun yet is only slow: a busy machine takes longer than the silence after one.
    let timer = setTimeout(() => finish(false), 30_000);
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      clearTimeout(timer);
      timer = setTimeout(() => finish(false), 2000);
    });
    socket.on("error", fail);
    socket.on("end", () => {
      clearTimeout(timer);
      finish(true);
    });
    socket.write(
      [`GET ${path} HTTP/1.1`, "Host: x", "Connection: keep-alive", ...headers, "", ""].join("\r\n"),
    );
  });
}

/** What an answer to /rrd_updates says, its numbers still text. */
export interface ReadUpdates {
  readonly start: number;
  readonly step: number;
  readonly end: number;
  readonly rowCount: number;
  readonly columnCount: number;
  readonly legend: readonly string[];
  readonly rows: readonly { readonly t: number; readonly values: readonly string[] }[];
}

/** Reads the XML form, in the one shape it has. */
export function readUpdates(xml: string): ReadUpdates {
  const meta = new RegExp(
    '^<\\?xml version="1\\.0" encoding="UTF-8"\\?>\\n<xport><meta><start>(\\d+)</start><step>(\\d+)</step>' +
      "<end>(\\d+)</end><rows>(\\d+)</rows><columns>(\\d+)</columns><legend>((?:<entry>[^<]*</entry>)*)</legend>" +
      "</meta><data>((?:<row><t>\\d+</t>(?:<v>[^<]*</v>)*</row>)*)</data></xport>\\s*$",
  ).exec(xml);
  if (meta === null) throw new Error(`not the shape of an answer: ${xml.slice(0, 300)}`);
  const [start = 0, step = 0, end = 0, rowCount = 0, columnCount = 0] = meta.slice(1, 6).map(Number);
  const texts = (text: string, tag: string): string[] =>
    [...text.matchAll(new RegExp(`<${tag}>([^<]*)</${tag}>`, "g"))].map((match) => match[1] ?? "");
  const rows = [...(meta[7] ?? "").matchAll(/<row>(.*?)<\/row>/g)].map(([, row = ""]) => ({
    t: Number(texts(row, "t")[0]),
    values: texts(row, "v"),
  }));
  return { start, step, end, rowCount, columnCount, legend: texts(meta[6] ?? "", "entry"), rows };
}
