/**
 * The network between one program, every member of its pool and its database: proxies that share one count of events,
 * so that "the 37th piece of bytes of this run" names one point of it, wherever it passes.
 */
import { startTcpProxy, type TcpProxy, type Verdict, type WireEvent } from "./tcpProxy.ts";
import type { World } from "./world.ts";

export interface Passing extends WireEvent {
  /** Of both networks together; 1 for the first since `restart`. */
  readonly number: number;
  readonly side: "pool" | "mysql";
  /** Whom the client wanted to reach. */
  readonly target: { readonly host: string; readonly port: number };
}

export interface Wire {
  /** Settings that send a program through the wire. */
  readonly settings: Readonly<Record<string, string>>;
  /** One proxy for each server of the database, in their order. */
  readonly mysql: readonly TcpProxy[];
  /** Events since `restart`. */
  readonly events: number;
  /** Assesses each event; passes all on where it is unset. */
  assess: ((event: Passing) => Verdict) | undefined;
  /** Milliseconds that each event is held back. */
  delay(ms: number): void;
  /** Counts from 1 again, with nobody judging. */
  restart(): void;
  close(): Promise<void>;
}

/** Puts the wire between `world` and the programs that run with its settings. */
export async function startWire(world: World): Promise<Wire> {
  const members = world.simulator.hosts.map(({ httpUrl }) => addressOf(httpUrl ?? ""));
  const pool = await Promise.all(members.map((member) => startTcpProxy(member)));
  const mysql = await Promise.all(world.database.collect.servers.map((server) => startTcpProxy(server)));
  const places = pool.map(({ host, port }) => `${host}:${port}`);
  const wire = {
    settings: {
      XenHost: `http://${places[0]}`,
      XenAddressMap: members.map(({ host }, index) => `${host}=${places[index]}`).join(","),
      MysqlHost: mysql.map(({ host, port }) => `${host}:${port}`).join(","),
    },
    mysql,
    events: 0,
    assess: undefined as Wire["assess"],
    delay: (ms: number): void => {
      for (const proxy of [...pool, ...mysql]) proxy.delayMs = ms;
    },
    restart: (): void => {
      wire.events = 0;
      wire.assess = undefined;
    },
    close: async (): Promise<void> => {
      await Promise.all([...pool, ...mysql].map((proxy) => proxy.close()));
    },
  };
  const watch = (side: Passing["side"]) => (proxy: TcpProxy) => {
    proxy.assess = (event) => {
      const number = ++wire.events;
      return wire.assess?.({ ...event, side, number, target: proxy.target }) ?? "pass";
    };
  };
  pool.forEach(watch("pool"));
  mysql.forEach(watch("mysql"));
  return wire;
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}
