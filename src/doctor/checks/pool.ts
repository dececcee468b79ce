/** The pool as the programs find it: login, master, role, clocks, measures, and what else balances it. */

import { clocksDisagree } from "../../domain/clocks.ts";
import { AppError, describeError } from "../../domain/errors.ts";
import { asUuid } from "../../domain/pool.ts";
import { isSource, parseAnySubject, subjectFacts, termsOf } from "../../domain/rule.ts";
import { isConnectedWlb } from "../../domain/workloadBalancing.ts";
import { collectionTimes } from "../../store/cadence.ts";
import type { Database } from "../../store/connection.ts";
import { loadHostAddresses } from "../../store/places.ts";
import { listAddedRules, listRules, subjectsNamedByRules } from "../../store/rules.ts";
import { serverClock } from "../../store/serverFacts.ts";
import { wlbBinding } from "../../store/wlb.ts";
import { plural, span } from "../../text/format.ts";
import { connectXapi } from "../../xapi/client.ts";
import { parseEndpoint } from "../../xapi/endpoint.ts";
import { XapiError, XapiUnreachable } from "../../xapi/errors.ts";
import { readInventory } from "../../xapi/inventory.ts";
import { type NamedMeasures, waitSources } from "../../xapi/measures.ts";
import { xapiOptions } from "../../xapi/options.ts";
import type { HostRecord, HostRef } from "../../xapi/records.ts";
import { readMeasures } from "../../xapi/rrdUpdates.ts";
import { shownCertificate } from "../../xapi/tls.ts";
import type { XapiClient } from "../../xapi/xapiClient.ts";
import {
  type Check,
  fileOf,
  type Opened,
  type PoolProgram,
  poolInventory,
  poolSession,
  poolSettings,
  readingDatabase,
  sessionOf,
} from "../check.ts";
import { type Finding, failure, ok, warning } from "../report.ts";
import * as shell from "../shell.ts";
import { originator, type PoolSettings, poolSettingsIn, trustFixes } from "./network.ts";

const login: Check = {
  name: "login",
  area: "pool",
  asks: "the pool's master takes the login of each program",
  needs: [poolSettings],
  run: async ({ signal }, found) => {
    const findings: Finding[] = [];
    // One after the other: an account that is locked after failures is asked as seldom as can be.
    for (const settings of poolSettingsIn(found)) {
      const { programs, xen, file } = settings;
      const users = programs.map((program) => `xcp-${program}`).join(", ");
      try {
        const client = await connectXapi(
          xapiOptions(xen, originator, signal, { collected: await addressesIn(found), allowed: [] }),
        );
        found.closing.push(() => client.close());
        for (const program of programs) found.sessions.set(program, client);
        findings.push(ok(`${users}: ${xen.user} at ${client.url}`));
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        const says = describeError(error);
        findings.push(failure(`${users}: ${shortened(says)}`, ...fixesOfLogin(error, says, settings, file)));
      }
    }
    return findings;
  },
};

async function addressesIn(found: Opened): Promise<readonly string[] | null> {
  const db = readingDatabase(found);
  return db === null ? null : loadHostAddresses(db).catch(() => null);
}

/** Without the lines that say how to compare certificates: fixes do. */
function shortened(says: string): string {
  const [head = "", ...rest] = says.split("\n");
  return [head, ...rest.filter((line) => /^ {2}https?:/.test(line)).map((line) => line.trim())].join(" ");
}

function fixesOfLogin(error: AppError, says: string, { xen }: PoolSettings, file: string): string[] {
  if (error.code === "login") return [shell.edit(file, "XenUsr and XenPass")];
  if (error.code === "certificate") return ["mend what the check certificates tells first"];
  if (/speaks TLS/.test(says))
    return [`sed -i ${shell.word("/^XenHost=/s|http:|https:|g")} ${shell.word(file)}`];
  const stranger = /it names (\S+), which neither XenHost/.exec(says)?.[1];
  if (stranger !== undefined)
    return [
      `${shell.setKey(file, "XenHost", [...xen.urls, stranger].join(","))}   # if it is a member of your pool`,
    ];
  const other = /belongs to the pool (\S+), but the pool/.exec(says)?.[1];
  if (other !== undefined)
    return [
      `${shell.setKey(file, "XenPoolUuid", other)}   # if it is this pool that is meant; else correct XenHost`,
    ];
  return [
    `ssh root@MASTER xe-toolstack-restart   # then see that it is well: systemctl status xapi`,
    shell.edit(file, "XenHost: the members of the pool, with commas between them"),
  ];
}

const identity: Check = {
  name: "pool-identity",
  area: "pool",
  asks: "it is the pool that the database holds",
  needs: [poolSession],
  run: async (_, found) => {
    const { pool } = sessionOf(found);
    const name = `${pool.name_label === "" ? "(no name)" : pool.name_label} (${pool.uuid})`;
    const db = readingDatabase(found);
    const [last] = db === null ? [] : await collectionTimes(db, 1).catch(() => []);
    if (last === undefined || last.poolUuid === pool.uuid) return [ok(name)];
    const file = fileOf(found, "collect");
    return [
      failure(
        `XenHost leads to ${name}, and the database holds the pool ${last.poolUuid}: xcp-collect stores nothing`,
        shell.edit(file, "XenHost: a member of that pool; or MysqlDatabase: another database"),
        `${shell.program("xcp-collect", file, "--replace-pool")}   # or so, to give the database to this pool`,
      ),
    ];
  },
};

const inventory: Check = {
  name: "inventory",
  area: "pool",
  asks: "the pool shows its objects, and they can be understood",
  needs: [poolSession],
  run: async (_, found) => {
    const read = await readInventory(sessionOf(found));
    found.inventory = read;
    const { hosts, vms, skipped } = read;
    const guests = [...vms.values()].filter((vm) => !vm.is_control_domain).length;
    if (skipped.length === 0) return [ok(`${plural(hosts.size, "host")}, ${plural(guests, "VM")}`)];
    return skipped
      .slice(0, 10)
      .map(({ class: cls, name, uuid, ref, reason }) =>
        warning(
          `the record of ${cls} ${name || uuid || ref} cannot be read: ${reason}`,
          `xe ${cls.toLowerCase()}-param-list uuid=${shell.word(uuid || "UUID")}   # on the master; report it if this looks well`,
        ),
      );
  },
};

const master: Check = {
  name: "master",
  area: "pool",
  asks: "the master is found, now and when another host becomes it",
  needs: [poolSession, poolInventory],
  run: async (_, found) => {
    const client = sessionOf(found);
    const hosts = [...(found.inventory?.hosts ?? [])];
    const file = fileOf(found, "collect");
    const xen = poolSettingsIn(found)[0]?.xen;
    const urls = xen?.urls ?? [];
    const all = hosts.map(([, { address }]) => memberUrl(client, address));
    const set = shell.setKey(file, "XenHost", all.join(","));
    if (!urls.some((url) => new URL(url).host === new URL(client.url).host))
      return [
        warning(`the master is ${client.url}, which XenHost does not name: it is found by a redirect`, set),
      ];
    if (urls.length === 1 && hosts.length > 1)
      return [
        warning(
          `${client.url} is the only member that XenHost names: when another host becomes the master, none is found`,
          set,
        ),
      ];
    return [ok(client.url)];
  },
};

/** A member as XenHost would name it: the scheme and port of the one that answers. */
function memberUrl(client: XapiClient, address: string): string {
  const { protocol, port } = new URL(client.url);
  const host =
    address.includes(":") && !address.startsWith("[") && address.split(":").length > 2
      ? `[${address}]`
      : address;
  const withPort = port === "" || /\]?:\d+$/.test(host) ? host : `${host}:${port}`;
  return protocol === "https:" ? withPort : `${protocol}//${withPort}`;
}

const roleWanted: Readonly<Record<PoolProgram, string>> = { collect: "read-only", control: "vm-power-admin" };

const role: Check = {
  name: "role",
  area: "pool",
  asks: "the pool's accounts may do what the programs ask for",
  needs: [poolSession],
  run: async (_, found) => {
    const green = await hasGreenRules(readingDatabase(found));
    const findings: Finding[] = [];
    for (const [program, client] of found.sessions) {
      const user = found.settings.get(program)?.settings.xen?.user ?? "";
      const name = `xcp-${program} (${user})`;
      const rights = await client.sessionRights();
      const records =
        program === "collect" && found.settings.get(program)?.settings.collect?.recordWaits === true;
      const wanted =
        program === "control" && green ? "pool-operator" : records ? "vm-admin" : roleWanted[program];
      if (rights === null) findings.push(ok(`${name}: the pool is too old to have roles`));
      else if (rights.isLocalSuperuser)
        findings.push(ok(`${name}: the pool's own root, who may do everything; ${wanted} would be enough`));
      else {
        const needed =
          program === "collect"
            ? records
              ? ["vm.record_data_source"]
              : []
            : ["vm.pool_migrate", ...(green ? ["host.disable", "host.shutdown"] : [])];
        const lacks = needed.filter((each) => !rights.permissions.has(each));
        findings.push(
          lacks.length === 0
            ? ok(`${name}: the rights of ${wanted}`)
            : failure(
                `${name} lacks ${lacks.join(", ")}: the role ${wanted} has ${lacks.length === 1 ? "it" : "them"}`,
                `xe subject-list   # the uuid of ${shell.word(user)}`,
                `xe subject-role-add role-name=${wanted} uuid=UUID`,
              ),
        );
      }
    }
    return findings;
  },
};

async function hasGreenRules(db: Database | null): Promise<boolean> {
  if (db === null) return false;
  const { green } = await listAddedRules(db).catch(() => ({ green: [] }));
  return green.some(({ rule }) => rule.enabled);
}

const hosts: Check = {
  name: "hosts",
  area: "pool",
  asks: "every host is alive and takes VMs",
  needs: [poolInventory],
  run: async (_, found) => {
    const read = found.inventory;
    const findings = hostsOf(found).flatMap(([, host]): Finding[] => {
      const metrics = host.metrics === null ? undefined : read?.hostMetrics.get(host.metrics);
      if (metrics?.live !== true)
        return [
          warning(
            `${host.name_label} is not alive, as the pool says: nothing is moved to or from it`,
            `xe host-power-on uuid=${host.uuid}   # or see to the machine`,
          ),
        ];
      if (host.enabled) return [];
      return [
        warning(
          `${host.name_label} is disabled (maintenance): nothing is moved to it`,
          `xe host-enable uuid=${host.uuid}   # when its maintenance is over`,
        ),
      ];
    });
    return findings.length > 0 ? findings : [ok(plural(hostsOf(found).length, "host"))];
  },
};

function hostsOf({ inventory: read }: Opened): readonly (readonly [HostRef, HostRecord])[] {
  return [...(read?.hosts ?? [])];
}

/** A clock, and how many seconds it is ahead of this machine's. */
interface Clock {
  readonly whose: string;
  readonly aheadSeconds: number;
  readonly fix: string;
}

const clocks: Check = {
  name: "clocks",
  area: "pool",
  asks: "this machine, the database and the hosts tell the same time",
  needs: [poolInventory],
  run: async (_, found) => {
    const client = sessionOf(found);
    const db = readingDatabase(found);
    const ntp = "timedatectl set-ntp true";
    const all: Clock[] = [{ whose: "this machine", aheadSeconds: 0, fix: ntp }];
    if (db !== null)
      all.push({
        whose: `MySQL at ${db.server}`,
        aheadSeconds: await ahead(() => serverClock(db)),
        fix: `${ntp}   # on the machine of the MySQL server`,
      });
    for (const [ref, host] of hostsOf(found)) {
      try {
        all.push({
          whose: `host ${host.name_label}`,
          aheadSeconds: await ahead(() => client.serverTime(ref)),
          fix: `ssh ${shell.word(`root@${host.address}`)} 'systemctl enable --now chronyd && chronyc makestep'`,
        });
      } catch (error) {
        // A host that does not answer is told of elsewhere.
        if (!(error instanceof XapiError || error instanceof XapiUnreachable)) throw error;
      }
    }
    const sorted = all.map(({ aheadSeconds }) => aheadSeconds).sort((a, b) => a - b);
    const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
    const wrong = all.filter(({ aheadSeconds }) => clocksDisagree(Math.round(aheadSeconds - middle)));
    if (wrong.length === 0) return [ok(`${plural(all.length, "clock")} within 30 s`)];
    return wrong.map(({ whose, aheadSeconds, fix }) => {
      const off = aheadSeconds - middle;
      return warning(
        `the clock of ${whose} is ${span(Math.abs(off))} ${off > 0 ? "ahead of" : "behind"} the others: old history is not deleted`,
        fix,
      );
    });
  },
};

/** Seconds that a clock is ahead of ours, the way there and back taken for equal. */
async function ahead(read: () => Promise<Date>): Promise<number> {
  const before = Date.now();
  const there = await read();
  return (there.getTime() - (before + Date.now()) / 2) / 1000;
}

const measures: Check = {
  name: "rrd",
  area: "pool",
  asks: "every live host tells its measures",
  needs: [poolInventory],
  run: async ({ signal }, found) => {
    const read = found.inventory;
    const settings = poolSettingsIn(found)[0];
    if (read === null || settings === undefined) throw new Error("there is no inventory");
    const collect = found.settings.get("collect")?.settings.collect;
    const client = sessionOf(found);
    const result = await readMeasures(client, read, {
      method: collect?.method ?? "auto",
      parallelCalls: settings.xen.parallelCalls,
      hostTimeoutMs: collect?.hostTimeoutMs ?? 10_000,
      eth0Device: collect?.eth0Device ?? "auto",
      named: await namedBy(readingDatabase(found)),
      signal,
    });
    found.measures = result;
    const host = (ref: HostRef) => read.hosts.get(ref);
    const findings = [
      ...[...result.unread]
        .filter(([, reason]) => !/says it is not alive/.test(reason))
        .map(([ref, reason]) =>
          failure(
            `${host(ref)?.name_label ?? ref}: ${reason}`,
            `ssh ${shell.word(`root@${host(ref)?.address ?? "HOST"}`)} 'systemctl restart xcp-rrdd && xe-toolstack-restart'`,
          ),
        ),
      ...[...result.slow].map(([ref, reason]) => {
        const fingerprint = result.untrusted.get(ref);
        const says = `${host(ref)?.name_label ?? ref} is read value by value, a call each: ${shortened(reason)}`;
        if (fingerprint === undefined)
          return warning(
            says,
            shell.edit(settings.file, "XenHost, XenAddressMap: how this host is reached from here"),
          );
        const seen = [{ certificate: { fingerprint, validTo: new Date(Number.NaN) } }];
        return warning(
          `${says}; it shows ${fingerprint}`,
          `ssh ${shell.word(`root@${host(ref)?.address ?? "HOST"}`)} openssl x509 -noout -fingerprint -sha256 -in /etc/xensource/xapi-ssl.pem   # must show the same`,
          ...trustFixes(settings.xen, settings.file, seen),
        );
      }),
    ];
    return findings.length > 0
      ? findings
      : [
          ok(
            `${plural(result.hosts.size, "host")} by ${collect?.method === "query" ? "single values" : "/rrd_updates"}`,
          ),
        ];
  },
};

async function namedBy(db: Database | null): Promise<NamedMeasures> {
  const named = db === null ? [] : await subjectsOf(db);
  return { hostSources: named.filter((subject) => isSource(subject)), cpuWait: true };
}

/** What enabled rules compare hosts by; none where the rules cannot be read. */
async function subjectsOf(db: Database) {
  try {
    const singles = (await listRules(db)).map(({ subject }) => subject);
    const added = (await subjectsNamedByRules(db)).flatMap((name) => parseAnySubject(name) ?? []);
    return [...new Set([...singles, ...added])];
  } catch (error) {
    if (error instanceof AppError) return [];
    throw error;
  }
}

const runStates: Check = {
  name: "run-states",
  area: "pool",
  asks: "the pool records how long VMs wait for a CPU, where a rule asks for it",
  needs: [poolInventory, { from: "rrd", isThere: (found) => found.measures !== null }],
  run: async (_, found) => {
    const { inventory: read, measures: seen } = found;
    const db = readingDatabase(found);
    const { compared, served } = db === null ? { compared: [], served: false } : await askingFor(db);
    const running = [...(read?.vms ?? [])].filter(
      ([, vm]) => vm.power_state === "Running" && !vm.is_control_domain,
    );
    const recorded = running.filter(([ref]) => waitSources.some((source) => seen?.vms.get(ref)?.has(source)));
    const count = `of ${recorded.length} of ${plural(running.length, "running VM")}`;
    if (compared.length === 0 && !served) return [ok(`recorded ${count}; no rule asks for it`)];
    if (recorded.length === running.length) return [ok(`recorded ${count}`)];
    const file = found.settings.get("collect")?.file;
    const fixes = [
      ...(file === undefined
        ? []
        : [shell.edit(file, "CollectRecordWaits=yes; XenUsr needs the role vm-admin")]),
      ...waitSources.filter((source) => source !== "runnable_vcpus").map(recordAll),
    ];
    if (compared.length === 0) {
      const counted = [...(seen?.hosts.values() ?? [])].every((values) => values.has("hostload"));
      const by = counted
        ? "how many vCPUs their hosts have to run (hostload)"
        : "what they used before their host was full";
      return [
        warning(`recorded ${count}: of the others a rule that serves VMs knows no more than ${by}`, ...fixes),
      ];
    }
    const says = `recorded ${count}, and a rule compares ${compared.join(", ")}`;
    return [
      (recorded.length === 0 ? failure : warning)(
        recorded.length === 0
          ? `${says}: it does nothing`
          : `${says}: VMs that are not recorded stay where they are`,
        ...fixes,
      ),
    ];
  },
};

/** What enabled rules compare that run-states tell of, and whether one serves VMs. */
async function askingFor(db: Database): Promise<{ compared: readonly string[]; served: boolean }> {
  try {
    const { chains, serving } = await listAddedRules(db);
    const named = chains
      .filter(({ rule }) => rule.enabled)
      .flatMap(({ rule }) => termsOf(rule).flatMap(({ subjects }) => subjects))
      .filter((subject) => !isSource(subject) && subjectFacts[subject].vmMeasures.includes("cpuWait"));
    return { compared: [...new Set(named)], served: serving.some(({ rule }) => rule.enabled) };
  } catch (error) {
    if (error instanceof AppError) return { compared: [], served: false };
    throw error;
  }
}

function recordAll(source: string): string {
  return `for vm in $(xe vm-list is-control-domain=false power-state=running --minimal | tr , ' '); do xe vm-data-source-record uuid=$vm data-source=${source}; done`;
}

const availability: Check = {
  name: "high-availability",
  area: "pool",
  asks: "HA has a plan for the failures that it is to bear",
  needs: [poolSession],
  run: async (_, found) => {
    const { pool } = sessionOf(found);
    if (!pool.ha_enabled) return [ok("HA is off")];
    const { ha_host_failures_to_tolerate: wanted, ha_plan_exists_for: planned } = pool;
    if (planned >= wanted) return [ok(`HA is on, and plans for ${plural(planned, "failure")}`)];
    return [
      warning(
        `HA is to bear ${plural(wanted, "failure")} and has a plan for ${planned}: it forbids migrations that make this worse`,
        `xe pool-param-set uuid=${pool.uuid} ha-host-failures-to-tolerate=${planned}   # or give the pool more memory`,
      ),
    ];
  },
};

const workloadBalancing: Check = {
  name: "workload-balancing",
  area: "pool",
  asks: "no other balancer is at work, and xcp-wlb answers where it is the pool's server",
  needs: [poolSession],
  run: async ({ signal }, found) => {
    const { pool } = sessionOf(found);
    const db = found.schemaIsWell ? readingDatabase(found) : null;
    const binding = db === null ? null : await wlbBinding(db);
    const facts = { uuid: asUuid(pool.uuid), wlbEnabled: pool.wlb_enabled, wlbUrl: pool.wlb_url };
    if (isConnectedWlb(facts, binding)) return ownServer(pool, signal);
    if (!pool.wlb_enabled) return [ok("the pool's own Workload Balancing is off")];
    return [
      failure(
        "the pool's own Workload Balancing is on: two balancers fight each other, so xcp-control does nothing",
        `xe pool-param-set uuid=${pool.uuid} wlb-enabled=false`,
      ),
    ];
  },
};

/** How long a pool would wait, with a lock held, for a server that does not answer. */
const wlbConnectMs = 5000;
const certificateDays = 30;

/** xcp-wlb is the pool's server: whether it answers, for how long its certificate is good, and whether it is asked. */
async function ownServer(
  pool: Pick<XapiClient["pool"], "uuid" | "wlb_enabled" | "wlb_url">,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  try {
    const endpoint = parseEndpoint(`https://${pool.wlb_url}`);
    const policy: Parameters<typeof shownCertificate>[1] = {
      trust: { kind: "system" },
      minTlsVersion: "TLSv1.2",
      connectTimeoutMs: wlbConnectMs,
      now: () => new Date(),
    };
    const { validTo } = await shownCertificate(endpoint, policy, signal);
    const days = Math.floor((validTo.getTime() - Date.now()) / 86_400_000);
    const until = `its certificate is good until ${validTo.toISOString().slice(0, 10)}`;
    const renew =
      "remove certificate.pem and key.pem from WlbFolder and restart xcp-wlb: it makes new ones; then xe pool-install-ca-certificate";
    if (days < 0) findings.push(failure(`xcp-wlb answers at ${pool.wlb_url}, and ${until}`, renew));
    else if (days < certificateDays)
      findings.push(warning(`xcp-wlb answers at ${pool.wlb_url}; ${until}`, renew));
    else findings.push(ok(`the pool's server is xcp-wlb; it answers at ${pool.wlb_url}, ${until}`));
  } catch (error) {
    signal.throwIfAborted();
    findings.push(
      failure(
        `the pool's server is xcp-wlb, and nobody answers at ${pool.wlb_url}: ${describeError(error)}; VMs start as the pool sees fit`,
        "systemctl restart xcp-wlb   # on its machine; or xe pool-deconfigure-wlb",
      ),
    );
  }
  if (!pool.wlb_enabled)
    findings.push(
      warning(
        "Workload Balancing is paused in the pool: it asks nobody, and xcp-control only recommends",
        `xe pool-param-set uuid=${pool.uuid} wlb-enabled=true`,
      ),
    );
  return findings;
}

const upgrade: Check = {
  name: "rolling-upgrade",
  area: "pool",
  asks: "no rolling upgrade is going on",
  needs: [poolSession],
  run: async (_, found) => {
    const { pool } = sessionOf(found);
    if (!pool.other_config.has("rolling_upgrade_in_progress")) return [ok("none is going on")];
    return [
      warning(
        "a rolling upgrade is going on, so xcp-control does nothing",
        `xe pool-param-remove uuid=${pool.uuid} param-name=other-config param-key=rolling_upgrade_in_progress   # only where all hosts have the same version again`,
      ),
    ];
  },
};

export const poolChecks: readonly Check[] = [
  login,
  identity,
  inventory,
  master,
  role,
  hosts,
  clocks,
  measures,
  runStates,
  availability,
  workloadBalancing,
  upgrade,
];
