/** The way to the pool's members: their names, whether they answer, and whether their certificates are trusted. */

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { describeError } from "../../domain/errors.ts";
import type { XenSettings } from "../../settings/types.ts";
import { plural } from "../../text/format.ts";
import { CertificateError } from "../../xapi/errors.ts";
import { type LookedAt, lookAtMembers } from "../../xapi/look.ts";
import { xapiOptions } from "../../xapi/options.ts";
import { readFingerprint } from "../../xapi/tls.ts";
import { anySettings, type Check, type Opened, type PoolProgram, poolSettings } from "../check.ts";
import { type Finding, failure, ok, warning } from "../report.ts";
import * as shell from "../shell.ts";

/** The same words for all programs: one session table of the pool shows who was there. */
export const originator = "xcp-doctor";

/** Settings of the pool, and the programs that have these very ones. */
export interface PoolSettings {
  readonly programs: readonly [PoolProgram, ...PoolProgram[]];
  readonly file: string;
  readonly xen: XenSettings;
}

/** The programs that talk to the pool, those with equal settings together. */
export function poolSettingsIn(found: Opened): readonly PoolSettings[] {
  const all: PoolSettings[] = [];
  for (const program of ["collect", "control"] as const) {
    const read = found.settings.get(program);
    const xen = read?.settings.xen;
    if (read === undefined || xen === undefined) continue;
    const same = all.findIndex((each) => keyOf(each.xen) === keyOf(xen));
    const known = all[same];
    if (known === undefined) all.push({ programs: [program], file: read.file, xen });
    else all[same] = { ...known, programs: [...known.programs, program] };
  }
  return all;
}

function keyOf(xen: XenSettings): string {
  const { password, addressMap, ...plain } = xen;
  return JSON.stringify([plain, password.reveal(), [...addressMap]]);
}

/** What a connection hangs on: two programs with two users go the same way. */
function wayOf(xen: XenSettings): string {
  const { urls, fingerprints, caPem, tlsMinVersion } = xen;
  return JSON.stringify([urls, fingerprints, caPem, tlsMinVersion]);
}

function distinctBy<T>(all: readonly T[], key: (each: T) => string): T[] {
  return [...new Map(all.toReversed().map((each) => [key(each), each])).values()].toReversed();
}

const names: Check = {
  name: "dns",
  area: "network",
  asks: "the names of the pool's members and of the MySQL servers have addresses",
  needs: [anySettings],
  run: async (_, found) => {
    const wanted = new Map<string, { readonly key: string; readonly file: string }>();
    for (const { file, settings } of found.settings.values()) {
      for (const url of settings.xen?.urls ?? [])
        wanted.set(new URL(url).hostname.replace(/^\[(.*)\]$/, "$1"), { key: "XenHost", file });
      for (const { host } of settings.mysql.servers) wanted.set(host, { key: "MysqlHost", file });
    }
    const unresolved = [...wanted].filter(([host]) => isIP(host) === 0 && !host.startsWith("/"));
    if (unresolved.length === 0) return [ok("addresses alone: nothing to look up")];
    return Promise.all(
      unresolved.map(async ([host, { key, file }]) => {
        try {
          const found = await lookup(host, { all: true });
          return ok(`${host} is ${found.map(({ address }) => address).join(", ")}`);
        } catch (error) {
          return failure(
            `${host} (${key}) has no address: ${describeError(error)}`,
            `${shell.edit(file, `${key}: a name that exists, or an address`)}`,
            `echo ${shell.word(`ADDRESS ${host}`)} >>/etc/hosts   # or so, where the name service does not know it`,
          );
        }
      }),
    );
  },
};

/** What was seen of the members, for the checks that follow. */
interface SeenMembers {
  readonly of: PoolSettings;
  readonly seen: readonly LookedAt[];
}

const looked = new WeakMap<Opened, Promise<readonly SeenMembers[]>>();

/** Each member is connected to once, whoever asks. */
function membersOf(found: Opened, signal: AbortSignal): Promise<readonly SeenMembers[]> {
  const known = looked.get(found);
  if (known !== undefined) return known;
  const looking = Promise.all(
    distinctBy(poolSettingsIn(found), ({ xen }) => wayOf(xen)).map(async (of) => ({
      of,
      seen: await lookAtMembers(xapiOptions(of.xen, originator, signal)),
    })),
  );
  looked.set(found, looking);
  return looking;
}

const members: Check = {
  name: "members",
  area: "network",
  asks: "each member of XenHost answers",
  needs: [poolSettings],
  run: async ({ signal }, found) => {
    const all = await membersOf(found, signal);
    const findings = all.flatMap(({ of, seen }) => {
      const silent = seen.filter(({ problem }) => problem !== null && !(problem instanceof CertificateError));
      return silent.map(({ url, host, problem }): Finding => {
        const says = describeError(problem);
        const tell = silent.length === seen.length ? failure : warning;
        return tell(says, ...fixOfSilence(url, host, says, of.file));
      });
    });
    if (findings.length > 0) return distinctBy(findings, ({ says }) => says);
    return [ok([...new Set(all.flatMap(({ seen }) => seen.map(({ url }) => url)))].join(", "))];
  },
};

function fixOfSilence(url: string, host: string, says: string, file: string): string[] {
  if (/no TLS on this port/.test(says)) return [replaceIn(file, url, url.replace(/^https:/, "http:"))];
  if (/speaks TLS/.test(says)) return [replaceIn(file, url, url.replace(/^http:/, "https:"))];
  if (/cannot be resolved/.test(says)) return [shell.edit(file, "XenHost")];
  if (/XenTlsMinVersion/.test(says)) return [shell.addKey(file, "XenTlsMinVersion", "TLSv1")];
  const port = new URL(url).port || (url.startsWith("https:") ? "443" : "80");
  return [
    `ssh ${shell.word(`root@${host}`)} systemctl start xapi   # service xapi start on XenServer 6 and older`,
    `nc -vz ${shell.word(host)} ${port}   # or correct XenHost in ${shell.word(file)}`,
  ];
}

/** Another address in XenHost. */
function replaceIn(file: string, from: string, to: string): string {
  return `sed -i ${shell.word(`/^XenHost=/s|${from}|${to}|`)} ${shell.word(file)}`;
}

const soonDays = 30;

const certificates: Check = {
  name: "certificates",
  area: "network",
  asks: "each member's certificate is trusted, and will be next month",
  needs: [poolSettings],
  run: async ({ signal }, found) => {
    const all = await membersOf(found, signal);
    const findings = all.flatMap(({ of, seen }) => {
      const untrusted = seen.filter(({ problem }) => problem instanceof CertificateError);
      return [
        ...untrusted.map((member) => untrustedFinding(member, seen, of)),
        ...seen.filter((member) => !untrusted.includes(member)).flatMap(expiryFindings),
      ];
    });
    if (findings.length > 0) return distinctBy(findings, ({ says }) => says);
    const secure = all.flatMap(({ seen }) => seen.filter((member) => member.certificate !== null));
    const count = new Set(secure.map(({ url }) => url)).size;
    return [
      ok(
        count === 0
          ? "plain http: there is none"
          : `${plural(count, "certificate is", "certificates are")} trusted, and good for ${soonDays} days more`,
      ),
    ];
  },
};

function untrustedFinding(member: LookedAt, seen: readonly LookedAt[], { xen, file }: PoolSettings): Finding {
  const { url, host, problem, certificate } = member;
  const [says = ""] = describeError(problem).split("\n");
  const shown = certificate === null ? "" : `; it shows ${certificate.fingerprint}`;
  const compare = `ssh ${shell.word(`root@${host}`)} ${readFingerprint}`;
  // A trusted one that is out of its dates: another fingerprint does not help.
  if (/but expired|is not valid before/.test(says))
    return failure(
      says,
      `ssh ${shell.word(`root@${host}`)} xe host-emergency-reset-server-certificate`,
      trust(file),
    );
  return failure(
    `${says.replace(/; nothing was sent to it\.?$|\. Nothing was sent to it\.?$/, "")}${shown} (${url})`,
    `${compare}   # must show the same`,
    ...trustFixes(xen, file, seen),
  );
}

function trust(file: string): string {
  return shell.program("xcp-collect", file, "--trust");
}

/** How the certificates that are shown become trusted ones. */
export function trustFixes(
  xen: XenSettings,
  file: string,
  seen: readonly Pick<LookedAt, "certificate">[],
): string[] {
  if (xen.fingerprintFile !== null) return [trust(file)];
  const shown = seen.flatMap(({ certificate }) => certificate?.fingerprint ?? []);
  const pins = [...new Set([...xen.fingerprints, ...shown])].join(",");
  if (xen.caPem !== null)
    return [`sed -i /^XenCaFile=/d ${shell.word(file)}`, shell.addKey(file, "XenFingerprint", pins)];
  return [
    xen.fingerprints.length > 0
      ? shell.setKey(file, "XenFingerprint", pins)
      : shell.addKey(file, "XenFingerprint", pins),
  ];
}

function expiryFindings({ url, host, certificate }: LookedAt): Finding[] {
  if (certificate === null) return [];
  const days = (certificate.validTo.getTime() - Date.now()) / 86_400_000;
  if (!(days < soonDays)) return [];
  return [
    warning(
      `the certificate of ${url} expires in ${plural(Math.max(0, Math.floor(days)), "day")}`,
      `ssh ${shell.word(`root@${host}`)} xe host-emergency-reset-server-certificate   # then trust the new one: xcp-collect --trust`,
    ),
  ];
}

export const networkChecks: readonly Check[] = [names, members, certificates];
