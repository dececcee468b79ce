/** Puts a simulated pool on the network: a listener for every host, each with an address of its own. */

import { once } from "node:events";
import type { Server } from "node:http";
import { createServer } from "node:net";
import type { SimulatedPoolLike } from "../objects/contract.ts";
import { createCertificate, type HostCertificate } from "./certificate.ts";
import { Dispatcher } from "./dispatch.ts";
import { createListener } from "./httpServer.ts";

/**
 * "addresses": 127.0.0.1 for the master, 127.0.0.2 and so on for the others, all on one port, so that clients
 * can follow HOST_IS_SLAVE, which names no port. "ports": all on 127.0.0.1, for systems that have no 127.0.0.2.
 */
export type Addressing = "addresses" | "ports";

export interface ServerOptions {
  readonly http: boolean;
  readonly https: boolean;
  /** Absent: addresses where the system has them, else ports. */
  readonly addressing?: Addressing;
  /** The first port to use (http, then https); absent or 0: free ones. */
  readonly port?: number;
  /** Real milliseconds by which every new connection and every answer comes later; 0 by default. */
  readonly latencyMs?: number;
}

export interface RunningHost {
  readonly ref: string;
  readonly name: string;
  /** host.address; with addressing by ports it includes the port. */
  readonly address: string;
  readonly httpUrl?: string;
  readonly httpsUrl?: string;
  /** SHA-256 of the host's certificate; absent without https. */
  readonly fingerprint256?: string;
}

export interface RunningSimulator {
  /** The master of the start first. */
  readonly hosts: readonly RunningHost[];
  /** Of the present master; https where both are served. */
  readonly masterUrl: string;
  /** Cuts every connection and frees the ports. */
  stop(): Promise<void>;
}

type Scheme = "http" | "https";

interface Place {
  readonly ref: string;
  readonly ip: string;
  readonly ports: Map<Scheme, number>;
  readonly certificate: HostCertificate | null;
}

const attemptsAtCommonPort = 20;

/** Starts serving `pool` and writes host.address of its hosts. Throws when no port could be had. */
export async function startSimulator(
  pool: SimulatedPoolLike,
  options: ServerOptions,
): Promise<RunningSimulator> {
  const schemes: Scheme[] = [
    ...(options.http ? ["http" as const] : []),
    ...(options.https ? ["https" as const] : []),
  ];
  if (schemes.length === 0) throw new Error("the simulator needs http, https or both");
  const addressing = options.addressing ?? ((await hasSecondLoopback()) ? "addresses" : "ports");
  const stopping = new AbortController();
  const dispatcher = new Dispatcher(pool, stopping.signal);
  const places = await layOut(pool, addressing, options.https);
  const servers: Server[] = [];
  const stop = () => stopAll(servers, stopping);
  const common = { pool, dispatcher, addressing, latencyMs: options.latencyMs ?? 0 };
  try {
    for (const [index, scheme] of schemes.entries()) {
      const wanted = options.port ? options.port + index * (addressing === "ports" ? places.length : 1) : 0;
      const make = (place: Place) => listenerFor(common, places, place, scheme);
      servers.push(...(await bindAll(places, scheme, wanted, addressing, make)));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  for (const place of places)
    pool.db.set("host", place.ref, "address", addressOf(place, schemes, addressing));
  const hosts = places.map((place) => describe(pool, place, schemes, addressing));
  return {
    hosts,
    get masterUrl() {
      const master = hosts.find((host) => host.ref === pool.masterRef);
      return master?.httpsUrl ?? master?.httpUrl ?? "";
    },
    stop,
  };
}

async function layOut(pool: SimulatedPoolLike, addressing: Addressing, tls: boolean): Promise<Place[]> {
  const others = pool.db.all("host").filter((ref) => ref !== pool.masterRef);
  const refs = [pool.masterRef, ...others];
  if (refs.length > 250) throw new Error(`${refs.length} hosts are more than there are addresses for`);
  return Promise.all(
    refs.map(async (ref, index) => {
      const ip = addressing === "addresses" ? `127.0.0.${index + 1}` : "127.0.0.1";
      return { ref, ip, ports: new Map(), certificate: tls ? await createCertificate(ip) : null };
    }),
  );
}

interface Common {
  readonly pool: SimulatedPoolLike;
  readonly dispatcher: Dispatcher;
  readonly addressing: Addressing;
  readonly latencyMs: number;
}

function listenerFor(common: Common, places: readonly Place[], place: Place, scheme: Scheme): Server {
  const { pool, dispatcher, addressing, latencyMs } = common;
  const masterAddress = () => {
    const master = places.find(({ ref }) => ref === pool.masterRef);
    return master === undefined ? "" : addressOf(master, [scheme], addressing);
  };
  const urlOf = (hostRef: string) => {
    const host = places.find(({ ref }) => ref === hostRef);
    // xapi always sends to https, and names no port: ours has one.
    const own: Scheme = host?.ports.has("https") ? "https" : "http";
    return host === undefined ? "" : `${own}://${host.ip}:${host.ports.get(own)}`;
  };
  const options = { pool, dispatcher, hostRef: place.ref, masterAddress, urlOf, latencyMs };
  return createListener(
    scheme === "https" && place.certificate !== null ? { ...options, tls: place.certificate } : options,
  );
}

/** Binds one listener a place; by addresses they must all get the same port. */
async function bindAll(
  places: readonly Place[],
  scheme: Scheme,
  wanted: number,
  addressing: Addressing,
  make: (place: Place) => Server,
): Promise<Server[]> {
  for (let attempt = 1; ; attempt += 1) {
    const bound: Server[] = [];
    let port = wanted;
    try {
      for (const place of places) {
        const server = make(place);
        const got = await listen(server, place.ip, port);
        bound.push(server);
        place.ports.set(scheme, got);
        if (addressing === "addresses") port = got;
        else if (wanted !== 0) port = got + 1;
      }
      return bound;
    } catch (error) {
      await Promise.all(bound.map(close));
      // A port that is free on one address may be taken on the next: only a port of our own choice can be changed.
      if (wanted !== 0 || attempt >= attemptsAtCommonPort) throw error;
    }
  }
}

async function listen(server: Server, ip: string, port: number): Promise<number> {
  server.listen(port, ip);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  return address.port;
}

/** Linux answers on all of 127.0.0.0/8; macOS on 127.0.0.1 only. */
async function hasSecondLoopback(): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(0, "127.0.0.2");
    await once(probe, "listening");
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
  }
}

function close(server: Server): Promise<void> {
  return new Promise((done) => {
    server.close(() => done());
    server.closeAllConnections();
  });
}

async function stopAll(servers: readonly Server[], stopping: AbortController): Promise<void> {
  stopping.abort();
  await Promise.all(servers.map(close));
}

function addressOf(place: Place, schemes: readonly Scheme[], addressing: Addressing): string {
  const port = place.ports.get(schemes[0] ?? "http");
  return addressing === "addresses" ? place.ip : `${place.ip}:${port}`;
}

function describe(
  pool: SimulatedPoolLike,
  place: Place,
  schemes: readonly Scheme[],
  addressing: Addressing,
): RunningHost {
  const { http, https } = Object.fromEntries(place.ports);
  return {
    ref: place.ref,
    name: pool.db.text("host", place.ref, "name_label"),
    address: addressOf(place, schemes, addressing),
    ...(http === undefined ? {} : { httpUrl: `http://${place.ip}:${http}` }),
    ...(https === undefined ? {} : { httpsUrl: `https://${place.ip}:${https}` }),
    ...(place.certificate === null ? {} : { fingerprint256: place.certificate.fingerprint256 }),
  };
}
