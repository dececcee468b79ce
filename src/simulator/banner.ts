/** What xcp-sim says when it is up: the hosts, and the settings lines to copy. Pure. */

import { printable } from "../text/text.ts";
import type { SimulatedPoolLike } from "./objects/contract.ts";
import type { RunningHost, RunningSimulator } from "./server/server.ts";

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** The lines to print, safe for a terminal. */
export function banner(
  pool: SimulatedPoolLike,
  running: RunningSimulator,
  credentials: Credentials,
): string[] {
  const { db, clock } = pool;
  const [poolRef = ""] = db.all("pool");
  const guests = db
    .all("VM")
    .filter(
      (ref) =>
        !["is_a_template", "is_a_snapshot", "is_control_domain"].some(
          (field) => db.get("VM", ref, field) === true,
        ),
    );
  const name = printable(db.text("pool", poolRef, "name_label"));
  const hosts = running.hosts.flatMap((host) => hostLines(host, host.ref === pool.masterRef));
  return [
    `pool "${name}": ${running.hosts.length} hosts, ${guests.length} VMs${pace(clock.speed)}`,
    ...hosts,
    "",
    "Lines for the settings of xcp-collect and xcp-control:",
    ...settingsLines(running.hosts, credentials).map(printable),
  ];
}

function pace(speed: number): string {
  return speed === 1 ? "" : `, time runs ${speed} times as fast`;
}

function hostLines(host: RunningHost, isMaster: boolean): string[] {
  const urls = [host.httpsUrl, host.httpUrl].filter((url) => url !== undefined).join("  ");
  const fingerprint = host.fingerprint256 === undefined ? [] : [`      SHA-256 ${host.fingerprint256}`];
  return [`  ${printable(host.name)}${isMaster ? " (master)" : ""}  ${urls}`, ...fingerprint];
}

/** XenHost, XenUsr, XenPass and XenFingerprint for a pool that runs here; https where it is served. */
export function settingsLines(hosts: readonly RunningHost[], { user, password }: Credentials): string[] {
  const urls = hosts.map((host) => host.httpsUrl ?? host.httpUrl ?? "");
  const fingerprints = hosts.flatMap(({ fingerprint256 }) =>
    fingerprint256 === undefined ? [] : [fingerprint256],
  );
  return [
    `XenHost=${urls.join(",")}`,
    `XenUsr=${quoted(user)}`,
    `XenPass=${quoted(password)}`,
    ...(fingerprints.length === 0 ? [] : [`XenFingerprint=${fingerprints.join(",")}`]),
  ];
}

/** Quotes what a settings file would read differently bare. */
function quoted(value: string): string {
  if (/^[\w.@+-]+$/.test(value)) return value;
  const quote = ["'", "`", '"'].find((candidate) => !value.includes(candidate)) ?? "'";
  return `${quote}${value}${quote}`;
}
