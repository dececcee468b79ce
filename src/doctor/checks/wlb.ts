/** xcp-wlb as it is set up on this machine: its folder, certificate, port, and whom it lets speak for pools. */

import fs from "node:fs";
import { isIP } from "node:net";
import path from "node:path";
import { AppError, describeError } from "../../domain/errors.ts";
import { modeOf, octal } from "../../program/fileMode.ts";
import { type RsaCertificate, readRsaCertificate } from "../../program/rsaCertificate.ts";
import type { WlbSettings } from "../../settings/types.ts";
import { loadHostAddresses } from "../../store/places.ts";
import { wlbBinding } from "../../store/wlb.ts";
import { plural } from "../../text/format.ts";
import { parseEndpoint } from "../../xapi/endpoint.ts";
import { shownCertificate } from "../../xapi/tls.ts";
import {
  type Check,
  databaseOf,
  fileOf,
  type Opened,
  openDatabases,
  wholeSchema,
  wlbSettings,
} from "../check.ts";
import { type Finding, failure, ok, warning } from "../report.ts";
import * as shell from "../shell.ts";

function settingsOf({ settings }: Opened): WlbSettings {
  const wlb = settings.get("wlb")?.settings.wlb;
  if (wlb === undefined) throw new Error("the check does not name wlbSettings among its needs");
  return wlb;
}

/** Where the package's unit keeps the keys of the pool whose settings are `file`; null of a file that is no pool's there. */
export function unitFolder(file: string): string | null {
  const [, pool] = /^\/etc\/xcp-balance\/([^/]+)\/[^/]+$/.exec(path.resolve(file)) ?? [];
  return pool === undefined ? null : `/var/lib/xcp-balance/wlb/${pool}`;
}

/** That of the settings; the unit's where that is not there, since the unit says so in its environment. */
function folderOf(found: Opened): string {
  const { folder: named } = settingsOf(found);
  const ofUnit = unitFolder(fileOf(found, "wlb"));
  return ofUnit !== null && !fs.existsSync(named) && fs.existsSync(ofUnit) ? ofUnit : named;
}

const notMade = "is not there: xcp-wlb makes it at its first start, in the directory that it runs in";

const folder: Check = {
  name: "wlb-folder",
  area: "settings",
  asks: "nobody else can read the keys of xcp-wlb",
  of: "wlb",
  needs: [wlbSettings],
  run: async (_, found) => {
    const named = folderOf(found);
    if (!fs.existsSync(named)) return [ok(`${named} (WlbFolder) ${notMade}`)];
    const findings: Finding[] = [];
    const folderMode = modeOf(named);
    if ((folderMode & 0o077) !== 0)
      findings.push(
        warning(
          `others can look into ${named}, which holds keys (mode ${octal(folderMode)})`,
          `chmod 700 ${shell.word(named)}`,
        ),
      );
    for (const name of ["key.pem", "accounts.key"]) {
      const file = path.join(named, name);
      if (!fs.existsSync(file)) continue;
      const mode = modeOf(file);
      if ((mode & 0o077) === 0) continue;
      findings.push(
        failure(`others can read ${file} (mode ${octal(mode)})`, `chmod 600 ${shell.word(file)}`),
      );
    }
    return findings.length > 0 ? findings : [ok(`${named} (mode ${octal(folderMode)})`)];
  },
};

/** A pool that verifies asks no more when it has ended. */
const certificateDays = 30;
const dayMs = 86_400_000;

const certificate: Check = {
  name: "wlb-certificate",
  area: "settings",
  asks: "pools can use the certificate of xcp-wlb, and go on to",
  of: "wlb",
  needs: [wlbSettings],
  run: async (_, found) => {
    const { names: wanted } = settingsOf(found);
    const named = folderOf(found);
    const renew = `rm ${shell.word(path.join(named, "certificate.pem"))} ${shell.word(path.join(named, "key.pem"))}   # then restart xcp-wlb, which makes new ones, and install certificate.pem in the pool`;
    const read = certificateIn(named);
    if (read === null) return [ok(`${named} (WlbFolder) ${notMade}`)];
    if (read instanceof AppError) return [failure(describeError(read), read.next || renew)];
    const { names, validTo, bits } = read;
    const findings: Finding[] = [];
    const until = validTo.toISOString().slice(0, 10);
    const days = Math.floor((validTo.getTime() - Date.now()) / dayMs);
    if (days < 0) findings.push(failure(`it ended on ${until}`, renew));
    else if (days < certificateDays)
      findings.push(warning(`it ends on ${until}, in ${plural(days, "day")}`, renew));
    const lacking = wanted.filter((name) => !names.includes(name));
    if (lacking.length > 0)
      findings.push(
        warning(
          `it is for ${names.join(", ") || "no name"}, and WlbNames has ${lacking.join(", ")} too: pools that verify cannot use ${lacking.length === 1 ? "that name" : "these names"}`,
          renew,
        ),
      );
    if (names.every((name) => isIP(name) !== 0 || name === "localhost"))
      findings.push(
        warning(
          `it has no DNS name but ${names.join(", ") || "none"}: pools that verify look for one in their wlb_url`,
          shell.edit(fileOf(found, "wlb"), "WlbNames: the name that pools know this machine by"),
          renew,
        ),
      );
    return findings.length > 0 ? findings : [ok(`for ${names.join(", ")}, until ${until}, RSA ${bits} bits`)];
  },
};

/** Null where none was made yet. */
function certificateIn(named: string): RsaCertificate | AppError | null {
  if (!fs.existsSync(path.join(named, "certificate.pem"))) return null;
  try {
    return readRsaCertificate(named);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

const connectMs = 3000;

const listening: Check = {
  name: "wlb-listen",
  area: "network",
  asks: "xcp-wlb listens where WlbListen says",
  of: "wlb",
  needs: [wlbSettings],
  run: async ({ signal }, found) => {
    const { listen } = settingsOf(found);
    const named = folderOf(found);
    if (listen.port === 0) return [ok("any port that is free: it changes with each start")];
    const host = anyAddress[listen.host] ?? listen.host;
    const where = `${host.includes(":") ? `[${host}]` : host}:${listen.port}`;
    try {
      const { fingerprint } = await shownCertificate(
        parseEndpoint(`https://${where}`),
        {
          trust: { kind: "system" },
          minTlsVersion: "TLSv1.2",
          connectTimeoutMs: connectMs,
          now: () => new Date(),
        },
        signal,
      );
      const own = certificateIn(named);
      if (own === null || own instanceof AppError || own.fingerprint === fingerprint)
        return [ok(`it answers at ${where}`)];
      return [
        warning(
          `what answers at ${where} shows another certificate than that of ${named}: it was not restarted, or is another program`,
          `ss -ltnp 'sport = :${listen.port}'`,
          "systemctl restart 'xcp-wlb@*'",
        ),
      ];
    } catch (error) {
      signal.throwIfAborted();
      return [
        warning(
          `nobody answers at ${where}: ${describeError(error)}; pools place VMs by themselves`,
          "systemctl start xcp-wlb@POOL   # and see its log: journalctl -u 'xcp-wlb@*'",
        ),
      ];
    }
  },
};

/** Where to ask what listens everywhere. */
const anyAddress: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

const addresses: Check = {
  name: "wlb-addresses",
  area: "network",
  asks: "the pool reaches xcp-wlb, and may speak for itself",
  of: "wlb",
  needs: [wlbSettings, openDatabases, wholeSchema],
  run: async (_, found) => {
    const { allowedAddresses, listen } = settingsOf(found);
    const file = fileOf(found, "wlb");
    const db = databaseOf(found);
    const hosts = (await loadHostAddresses(db)) ?? [];
    const findings = allowedAddresses
      .filter((address) => isIP(address) === 0)
      .map((address) =>
        failure(
          `WlbAllowedAddresses: ${address} is no IP address, and pools are known by theirs alone`,
          shell.edit(file, "WlbAllowedAddresses"),
        ),
      );
    if (isLoopback(listen.host) && hosts.some((address) => !isLoopback(address)))
      findings.push(
        warning(
          `WlbListen is ${listen.host}, which the pool's hosts cannot reach`,
          shell.edit(file, "WlbListen: an address of this machine that they can, and the port 8012"),
        ),
      );
    if (hosts.length === 0)
      findings.push(
        warning(
          "no host is collected yet, so no pool can be connected",
          "run xcp-collect for the pool first",
        ),
      );
    if (findings.length > 0) return findings;
    const connected = (await wlbBinding(db)) === null ? "no pool is connected" : "a pool is connected";
    const more =
      allowedAddresses.length === 0 ? "" : `, and ${allowedAddresses.length} of WlbAllowedAddresses`;
    return [ok(`${connected}; ${plural(hosts.length, "address", "addresses")} of hosts may ask${more}`)];
  },
};

function isLoopback(address: string): boolean {
  return /^(?:127\.|localhost$|::1$)/.test(address);
}

export const wlbChecks: readonly Check[] = [folder, certificate, listening, addresses];
