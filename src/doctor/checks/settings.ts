/** Node's version, the settings file of each program, and whether the three of them mean the same. */

import fs from "node:fs";
import path from "node:path";
import { AppError } from "../../domain/errors.ts";
import { modeOf, octal } from "../../program/fileMode.ts";
import { credentialsFolder } from "../../program/privateFile.ts";
import { loadSettings, NoSettingsFile, readSettingsFile } from "../../program/settingsFile.ts";
import { type SettingGroup, settingKeys } from "../../settings/keys.ts";
import type { MysqlSettings, Settings, XenSettings } from "../../settings/types.ts";
import { anySettings, type Check, type Opened, type ReadSettings } from "../check.ts";
import { type CheckedProgram, lookedAt, programs } from "../places.ts";
import { type Finding, failure, ok, warning } from "../report.ts";
import * as shell from "../shell.ts";

const nodeLeast = 20;

const groupsOf: Readonly<Record<CheckedProgram, readonly SettingGroup[]>> = {
  collect: ["xen", "mysql", "collect"],
  manager: ["mysql", "control"],
  control: ["xen", "mysql", "control"],
  wlb: ["mysql", "control", "wlb"],
};

const nodeVersion: Check = {
  name: "node-version",
  area: "settings",
  asks: "Node is new enough",
  run: async ({ nodeVersion: version }) => {
    const major = Number(/^v?(\d+)/.exec(version)?.[1]);
    if (major >= nodeLeast) return [ok(`Node ${version}; ${nodeLeast} or later is needed`)];
    return [
      failure(
        `Node ${version} is too old; ${nodeLeast} or later is needed`,
        "apt-get install nodejs   # of Debian 13 or later, or from nodejs.org",
      ),
    ];
  },
};

const settingsFiles: Check = {
  name: "settings-files",
  area: "settings",
  asks: "the settings files are there, and nobody else can read or change them",
  run: async ({ places }, found) =>
    [...new Set(lookedAt(places).map((program) => places[program]))].map((named) => {
      const users = lookedAt(places).filter((program) => places[program] === named);
      const groups = users.flatMap((program) => groupsOf[program]);
      const finding = fileFinding(users.map((program) => `xcp-${program}`).join(", "), groups, named);
      if (finding.state !== "failure") for (const program of users) found.readable.add(program);
      return finding;
    }),
};

function fileFinding(users: string, groups: readonly SettingGroup[], named: string | undefined): Finding {
  try {
    const { file } = readSettingsFile(groups, named);
    if (file === null) return ok(`${users}: from the environment (XCP_...)`);
    return ok(`${users}: ${file} (mode ${octal(modeOf(file))})`);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return failure(`${users}: ${reasonOf(error)}`, fixOf(error, named ?? "settings"));
  }
}

function fixOf(error: AppError, file: string): string {
  if (!(error instanceof NoSettingsFile)) return commandIn(error.next) ?? error.next;
  return error.cannot === "find"
    ? makeFile(file)
    : "adduser YOU xcp-balance   # the group that reads the settings; log in again";
}

function reasonOf(error: AppError): string {
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return error.summary + cause;
}

function makeFile(file: string): string {
  return `install -m 600 settings.example ${shell.word(file)} && ${shell.edit(file, "XenHost, XenUsr, MysqlHost ...")}`;
}

/** The command in "run: chmod 600 file, or move the file". */
function commandIn(next: string): string | null {
  return /\brun: (.+?)(?:, or .*)?$/.exec(next)?.[1] ?? null;
}

/** The content of one program's settings. */
function settingsOf(program: CheckedProgram): Check {
  return {
    name: `settings-${program}`,
    area: "settings",
    asks: `the settings of xcp-${program} make sense`,
    of: program,
    needs: [{ from: "settings-files", isThere: ({ readable }) => readable.has(program) }],
    run: async ({ places }, found) => {
      const named = places[program];
      const file = namedFile(named);
      try {
        const settings = loadSettings(groupsOf[program], named) as ReadSettings["settings"];
        found.settings.set(program, { file, settings });
        const untouched = ofTemplate(settings);
        if (untouched.length === 0) return [ok(summaryOf(settings, groupsOf[program]))];
        const [said, keys] = [`as in the template still: ${untouched.join(", ")}`, untouched.join(", ")];
        return [failure(said, shell.edit(file, `fill in ${keys}`))];
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        const [, ...problems] = error.summary.split("\n");
        const fresh = problems.filter((problem) => !found.toldProblems.has(problem));
        for (const problem of fresh) found.toldProblems.add(problem);
        if (fresh.length === 0) return [failure("the same problems, in the same file")];
        return fresh.map((problem) => failure(problem, ...fixesOf(problem, file)));
      }
    },
  };
}

/** The keys whose values are those of settings.example, which nobody's pool or database has. */
function ofTemplate({ xen, mysql }: ReadSettings["settings"]): string[] {
  const isExample = (url: string) => ["192.0.2.11", "192.0.2.12"].includes(new URL(url).hostname);
  return [
    ...(xen?.urls.some(isExample) === true ? ["XenHost"] : []),
    ...(xen?.password.reveal() === "change me" ? ["XenPass"] : []),
    ...(mysql.password.reveal() === "change me too" ? ["MysqlPass"] : []),
  ];
}

/** The file as fixes name it: as it was named, or where it lies. */
function namedFile(named: string | undefined): string {
  if (named !== undefined) return named;
  const folder = credentialsFolder();
  return fs.existsSync("settings") || folder === null ? "settings" : path.join(folder, "settings");
}

/** Settings of other groups are there too, with nothing in them. */
function summaryOf({ xen, mysql }: ReadSettings["settings"], groups: readonly SettingGroup[]): string {
  const database = `database ${mysql.database} on ${mysql.servers.map(serverText).join(", ")} as ${mysql.user}`;
  return xen === undefined || !groups.includes("xen")
    ? database
    : `pool at ${xen.urls.join(", ")} as ${xen.user}; ${database}`;
}

function serverText({ host, port }: MysqlSettings["servers"][number]): string {
  if (host.startsWith("/")) return host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What mends a problem of the settings' reader: "file: line 3: unknown key XenHots; did you mean XenHost?". */
function fixesOf(problem: string, file: string): string[] {
  const line = /\bline (\d+):/.exec(problem)?.[1];
  const near = /unknown key (\S+); did you mean (\w+)\?/.exec(problem);
  if (near !== null && line !== undefined) {
    return [`sed -i ${shell.word(`${line}s/${near[1]}/${near[2]}/`)} ${shell.word(file)}`];
  }
  if (/unknown key/.test(problem) && line !== undefined)
    return [`sed -i ${line}d ${shell.word(file)}   # or correct the key: see settings.example`];
  if (/holds an unquoted #/.test(problem) && line !== undefined)
    return [`sed -i ${shell.word(`${line}s/=\\(.*\\)/='\\1'/`)} ${shell.word(file)}`];
  if (/stands on line \d+ already/.test(problem) && line !== undefined)
    return [`sed -i ${line}d ${shell.word(file)}`];
  const [, missing] = /\b(\w+) is missing; add a line/.exec(problem) ?? [];
  if (missing !== undefined) return [shell.addKey(file, missing, exampleOf[missing] ?? "...")];
  const command = commandIn(problem);
  if (command !== null) return [command];
  const key = Object.keys(settingKeys).find((each) => new RegExp(`(?:^|: )${each}: `).test(problem));
  const definition = key === undefined ? undefined : settingKeys[key];
  if (key !== undefined && definition !== undefined && "fallback" in definition)
    return [
      `${shell.setKey(file, key, String(definition.fallback ?? ""))}   # its default; the range is in settings.example`,
    ];
  return [shell.edit(file, key ?? "see settings.example", line === undefined ? undefined : Number(line))];
}

const exampleOf: Readonly<Record<string, string>> = {
  XenHost: "https://ADDRESS-OF-THE-MASTER",
  XenUsr: "root",
  XenPass: "'THE PASSWORD'",
  MysqlHost: "127.0.0.1",
  MysqlUsr: "xcp_collect",
  MysqlPass: "'THE PASSWORD'",
};

const settingsAgree: Check = {
  name: "settings-agree",
  area: "settings",
  asks: "the programs mean the same pool and database, and plan by the same limits",
  needs: [anySettings],
  run: async (_, found) => {
    const findings = [...sameDatabase(found), ...samePool(found), ...sameLimits(found)];
    return findings.length > 0
      ? findings
      : [ok("the programs name one pool and one database, and plan by the same limits")];
  },
};

/** Each program that has settings, with what it says of `group`. */
function having<G extends SettingGroup>(
  { settings }: Opened,
  group: G,
): { readonly program: CheckedProgram; readonly file: string; readonly of: Settings[G] }[] {
  return [...settings].flatMap(([program, { file, settings: read }]) => {
    const of = (read as Partial<Settings>)[group];
    return of === undefined || !groupsOf[program].includes(group)
      ? []
      : [{ program, file, of: of as Settings[G] }];
  });
}

function sameDatabase(found: Opened): Finding[] {
  const [first, ...rest] = having(found, "mysql");
  if (first === undefined) return [];
  const database = (mysql: MysqlSettings) =>
    `${mysql.database} on ${mysql.servers.map(serverText).join(", ")}`;
  return rest
    .filter(({ of }) => of.database !== first.of.database)
    .map(({ program, file, of }) =>
      failure(
        `xcp-${first.program} uses the database ${database(first.of)}, xcp-${program} ${database(of)}: what one writes the other does not see`,
        shell.setKey(file, "MysqlDatabase", first.of.database),
      ),
    );
}

function samePool(found: Opened): Finding[] {
  const [first, ...rest] = having(found, "xen");
  if (first === undefined) return [];
  const members = (xen: XenSettings) => [...xen.urls].sort().join(", ");
  return rest
    .filter(({ of }) => !of.urls.some((url) => first.of.urls.includes(url)))
    .map(({ program, file, of }) =>
      failure(
        `xcp-${first.program} asks ${members(first.of)}, xcp-${program} ${members(of)}: no member in common`,
        shell.setKey(file, "XenHost", first.of.urls.join(",")),
      ),
    );
}

/** What shows the next plan by its own keys: it is control's where the keys are the same. */
const foretellers = [
  ["manager", "SHOW PLAN and EXPLAIN foretell"],
  ["wlb", "the recommendations of xcp-wlb are of"],
] as const;

function sameLimits(found: Opened): Finding[] {
  const all = having(found, "control");
  const control = all.find(({ program }) => program === "control");
  if (control === undefined) return [];
  return foretellers.flatMap(([name, foretell]) => {
    const planner = all.find(({ program }) => program === name);
    if (planner === undefined) return [];
    const [one, other] = [flat(planner.of), flat(control.of)];
    const differing = Object.keys(one).filter((key) => !besidePlans.has(key) && one[key] !== other[key]);
    if (differing.length === 0) return [];
    return [
      warning(
        `${foretell} another run than xcp-control's: the Control... and Green... keys of the two differ (${differing.join(", ")})`,
        `diff ${shell.word(planner.file)} ${shell.word(control.file)}   # and make these keys equal`,
      ),
    ];
  });
}

/** What xcp-control does beside its plans: no key of these changes one. */
const besidePlans: ReadonlySet<string> = new Set(["metricsFile", "pollMs", "leaseMs"]);

/** Values by name as text, those of nested objects with their own names. */
function flat(of: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(of).flatMap(([key, value]): [string, string][] =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.entries(flat(value))
        : [[key, JSON.stringify(value)]],
    ),
  );
}

const plainConnections: Check = {
  name: "plain-connections",
  area: "settings",
  asks: "nobody on the way can read what is said to the pool",
  needs: [anySettings],
  run: async (_, found) => {
    const plain = having(found, "xen").flatMap(({ file, of }) =>
      of.urls.filter((url) => isPlain(url)).map((url) => ({ file, url })),
    );
    const urls = [...new Map(plain.map((each) => [each.url, each])).values()];
    if (urls.length === 0) return [ok("https, or this machine itself")];
    return urls.map(({ file, url }) =>
      warning(
        `${url}: the pool's password travels in plain text`,
        `sed -i ${shell.word(`/^XenHost=/s|${url}|${url.replace(/^http:/, "https:")}|`)} ${shell.word(file)}`,
        shell.program("xcp-collect", file, "--trust"),
      ),
    );
  },
};

function isPlain(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !/^(?:127\.|localhost$|\[::1\])/.test(hostname);
}

export const settingsChecks: readonly Check[] = [
  nodeVersion,
  settingsFiles,
  ...programs.map(settingsOf),
  settingsAgree,
  plainConnections,
];
