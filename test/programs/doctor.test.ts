/** Every misconfiguration that doctor knows: seeded into a world that is well, named, and mended by its own fix. */
import { execFile } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checks, diagnose } from "../../src/doctor/diagnose.ts";
import { settingsPlaces } from "../../src/doctor/places.ts";
import type { Area, CheckState } from "../../src/doctor/report.ts";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import {
  checkOf,
  complaints,
  type DoctorWorld,
  type SettingsFolder,
  startDoctorWorld,
  textOf,
} from "../support/doctorWorld.ts";
import { runProgram, temporaryFolder } from "../support/programs.ts";

let world: DoctorWorld;
beforeAll(async () => {
  world = await startDoctorWorld();
  await world.asRoot("INSERT INTO HostRule (Subject, Threshold) VALUES ('CpuAverage', 25)");
  for (const program of ["xcp-collect", "xcp-control"] as const) {
    const own = world.well(program === "xcp-collect" ? "collect" : "control");
    expect(await runProgram(program, [], { settings: own })).toMatchObject({ code: 0 });
  }
});
afterAll(() => world?.stop());

type Changes = NonNullable<Parameters<DoctorWorld["write"]>[0]>;

/** A misconfiguration, and what doctor is to say of it. */
interface Seed {
  readonly what: string;
  readonly check: string;
  readonly state?: Exclude<CheckState, "ok" | "not checked">;
  /** What is wrong with the settings. */
  readonly changes?: (world: DoctorWorld) => Changes;
  /** What is wrong elsewhere, and how to undo what the fix does not. */
  readonly arrange?: (at: SettingsFolder) => Promise<void> | void;
  readonly undo?: () => Promise<unknown> | unknown;
  readonly says: RegExp;
  readonly fix: RegExp;
  /** Whether the fix is run as it is printed, and nothing is wrong after it. */
  readonly mends?: true;
}

const both = (change: Readonly<Record<string, string | undefined>>): Changes => ({
  collect: change,
  control: change,
});

const seeds: readonly Seed[] = [
  // Settings and files.
  {
    what: "a settings file is not there",
    check: "settings-files",
    arrange: async ({ file }) => void (await promisify(execFile)("rm", [file("control")])),
    says: /xcp-control: Unable to locate settings file: tried .*control\.settings/,
    fix: /^install -m 600 settings\.example .*control\.settings/,
  },
  {
    what: "others can read a settings file",
    check: "settings-files",
    arrange: ({ file }) => chmod(file("collect"), 0o644),
    says: /collect\.settings holds passwords and others can read it \(mode 0644\)/,
    fix: /^chmod 600 .*collect\.settings$/,
    mends: true,
  },
  {
    what: "others can put a file in the place of the settings",
    check: "settings-files",
    arrange: ({ folder }) => chmod(folder, 0o777),
    says: /others can write the folder .*Lab/,
    fix: /^chmod go-w .*Lab$/,
    mends: true,
  },
  {
    what: "a key is misspelt",
    check: "settings-manager",
    changes: () => ({ manager: { ControlMaxMovesPerRunn: "5" } }),
    says: /unknown key ControlMaxMovesPerRunn; did you mean ControlMaxMovesPerRun\?/,
    fix: /^sed -i .*manager\.settings$/,
  },
  {
    what: "a key that is needed is missing",
    check: "settings-control",
    changes: () => ({ control: { XenUsr: undefined } }),
    says: /XenUsr is missing/,
    fix: /^echo XenUsr=root >>.*control\.settings$/,
    mends: true,
  },
  {
    what: "the template's passwords were left in",
    check: "settings-collect",
    changes: () => ({ collect: { XenPass: "change me" } }),
    says: /as in the template still: XenPass$/,
    fix: /^\$\{EDITOR:-vi\} .*collect\.settings\s+# fill in XenPass$/,
  },
  {
    what: "a value is out of its range",
    check: "settings-collect",
    changes: () => ({ collect: { CollectDeadlineSeconds: "2" } }),
    says: /CollectDeadlineSeconds: must be a whole number from 5 to 3600, not "2"/,
    fix: /^sed -i .*CollectDeadlineSeconds=50/,
    mends: true,
  },
  {
    what: "a password is cut at a #",
    check: "settings-control",
    changes: ({ well }) => ({ control: textOf(well("control")).replace(/'(pool-[^']*)'/, "$1") }),
    says: /XenPass holds an unquoted #/,
    fix: /^sed -i .*control\.settings$/,
    mends: true,
  },
  {
    what: "a key stands twice",
    check: "settings-collect",
    changes: ({ well }) => ({ collect: `${textOf(well("collect"))}MysqlDatabase=Other\n` }),
    says: /MysqlDatabase stands on line \d+ already/,
    fix: /^sed -i \d+d .*collect\.settings$/,
    mends: true,
  },
  {
    what: "others can read the file of a password",
    check: "settings-control",
    changes: ({ well }) => ({
      control: `${textOf({ ...well("control"), XenPass: undefined })}XenPassFile=PLACE\n`,
    }),
    arrange: async ({ folder, file }) => {
      const password = path.join(folder, "password");
      await writeFile(password, "pool-p4ssword#\n", { mode: 0o644 });
      await chmod(password, 0o644);
      const text = await readFile(file("control"), "utf8");
      await writeFile(file("control"), text.replace("PLACE", password));
    },
    says: /password holds passwords and others can read it \(mode 0644\)/,
    fix: /^chmod 600 .*password$/,
    mends: true,
  },
  {
    what: "two programs use two databases",
    check: "settings-agree",
    changes: () => ({ collect: { MysqlDatabase: "Elsewhere" } }),
    says: /xcp-collect uses the database Elsewhere .*, xcp-manager Xen/,
    fix: /^sed -i .*MysqlDatabase=.*manager\.settings$/,
  },
  {
    what: "two programs ask two pools",
    check: "settings-agree",
    changes: () => ({ control: { XenHost: "https://127.0.0.200" } }),
    says: /xcp-collect asks .*, xcp-control https:\/\/127\.0\.0\.200: no member in common/,
    fix: /^sed -i .*XenHost=.*control\.settings$/,
    mends: true,
  },
  {
    what: "the manager plans by other limits than control",
    check: "settings-agree",
    state: "warning",
    changes: () => ({ control: { ControlMaxMovesPerRun: "3" } }),
    says: /keys of the two differ \(maxMovesPerRun\)/,
    fix: /^diff .*manager\.settings .*control\.settings/,
  },
  {
    what: "the password would travel in plain text",
    check: "plain-connections",
    state: "warning",
    changes: () => both({ XenHost: "http://192.0.2.1", XenConnectSeconds: "1", XenFingerprint: undefined }),
    says: /http:\/\/192\.0\.2\.1: the pool's password travels in plain text/,
    fix: /^sed -i .*https:\/\/192\.0\.2\.1/,
  },
  // The database.
  {
    what: "MySQL's password is wrong",
    check: "mysql-login",
    changes: () => ({ control: { MysqlPass: "another" } }),
    says: /xcp-control: Unable to connect to Mysql: .*access denied/,
    fix: /^\$\{EDITOR:-vi\} .*control\.settings {3}# MysqlUsr and MysqlPass/,
  },
  {
    what: "MySQL listens elsewhere",
    check: "mysql-login",
    changes: () => ({ control: { MysqlHost: "127.0.0.1:1" } }),
    says: /xcp-control: Unable to connect to Mysql: 127\.0\.0\.1:1: nothing listens there/,
    fix: /^systemctl start mariadb .*control\.settings/,
  },
  {
    what: "the account may not see that database",
    check: "mysql-login",
    changes: () => ({ control: { MysqlDatabase: "Nowhere" } }),
    says: /xcp-control: Unable to connect to Mysql: .*no rights on the database Nowhere/,
    fix: /^\$\{EDITOR:-vi\} .*control\.settings {3}# MysqlUsr, MysqlDatabase/,
  },
  {
    what: "the MySQL server is not the writer",
    check: "mysql-login",
    arrange: () => world.asRoot("SET GLOBAL read_only = 1"),
    undo: () => world.asRoot("SET GLOBAL read_only = 0"),
    says: /it is read-only, not the writer/,
    fix: /MysqlHost: name the server that may be written/,
  },
  {
    what: "statements of a large pool do not fit",
    check: "mysql-server",
    state: "warning",
    arrange: () => world.asRoot("SET GLOBAL max_allowed_packet = 1048576"),
    undo: () => world.asRoot("SET GLOBAL max_allowed_packet = 16777216"),
    says: /max_allowed_packet is 1 MB/,
    fix: /SET GLOBAL max_allowed_packet = 67108864/,
    mends: true,
  },
  {
    what: "a column is gone",
    check: "schema",
    arrange: () => world.asRoot("ALTER TABLE Exclusion DROP COLUMN Reason"),
    undo: () => world.asRoot("ALTER TABLE Exclusion ADD COLUMN Reason VARCHAR(200) NOT NULL DEFAULT ''"),
    says: /lost: Exclusion\.Reason/,
    fix: /^xcp-manager --settings .*manager\.settings schema install --admin-user root$/,
  },
  {
    what: "the tables are of an earlier version",
    check: "schema",
    arrange: () => world.asRoot("UPDATE SchemaVersion SET Finished = 0 ORDER BY Version DESC LIMIT 1"),
    undo: () => world.asRoot("UPDATE SchemaVersion SET Finished = 1"),
    says: /the tables are version \d+, version \d+ is needed/,
    fix: /schema install/,
  },
  {
    what: "a table has no transactions",
    check: "tables",
    arrange: () => world.asRoot("ALTER TABLE ProgramRun ENGINE=MyISAM"),
    says: /table ProgramRun is MyISAM/,
    fix: /^mysql -u root -p Xen\w+ -e 'ALTER TABLE ProgramRun ENGINE=InnoDB'$/,
    mends: true,
  },
  {
    what: "a table takes no other letters",
    check: "tables",
    arrange: () => world.asRoot("ALTER TABLE VmDetail CONVERT TO CHARACTER SET latin1"),
    says: /table VmDetail is not utf8mb4 \(.*Tags/,
    fix: /^mysql .*ALTER TABLE VmDetail MODIFY .*Tags MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin/,
    mends: true,
  },
  {
    what: "the row of a table is gone",
    check: "tables",
    arrange: () => world.asRoot("DELETE FROM Pause"),
    says: /the row of table Pause is gone/,
    fix: /^mysql .*INSERT INTO Pause/,
    mends: true,
  },
  {
    what: "an account lacks a right",
    check: "grants",
    arrange: () => world.asRoot(`REVOKE INSERT ON Migration FROM '${world.database.control.user}'@'%'`),
    says: /xcp-control \('Xen\w+-control'@'%'\) lacks INSERT on Migration/,
    fix: /^mysql .*GRANT INSERT ON Migration TO/,
    mends: true,
  },
  {
    what: "an account may more than it needs",
    check: "grants",
    state: "warning",
    arrange: () => world.asRoot(`GRANT DELETE ON Migration TO '${world.database.manager.user}'@'%'`),
    undo: () => world.asRoot(`REVOKE DELETE ON Migration FROM '${world.database.manager.user}'@'%'`),
    says: /xcp-manager .* may more than it needs: DELETE on Migration/,
    fix: /sql\/accounts\.sql/,
  },
  {
    what: "control's settings hold the manager's account",
    check: "grants",
    changes: ({ well }) => {
      const { MysqlUsr = "", MysqlPass = "" } = well("manager");
      return { control: { MysqlUsr, MysqlPass } };
    },
    says: /xcp-control \('Xen\w+-manager'@'%'\) lacks UPDATE on Lease/,
    fix: /^mysql .*GRANT UPDATE ON Lease TO/,
  },
  // The network.
  {
    what: "a name has no address",
    check: "dns",
    changes: () => both({ XenHost: "https://no-such-host.invalid" }),
    says: /no-such-host\.invalid \(XenHost\) has no address/,
    fix: /^\$\{EDITOR:-vi\} .*XenHost/,
  },
  {
    what: "nobody answers at a member's address",
    check: "members",
    changes: () => both({ XenHost: "https://127.0.0.1:1" }),
    says: /https:\/\/127\.0\.0\.1:1: connection refused/,
    fix: /^ssh root@127\.0\.0\.1 systemctl start xapi/,
  },
  {
    what: "http:// is written for a port that speaks TLS",
    check: "login",
    changes: ({ well }) =>
      both({ XenHost: String(well("collect")["XenHost"]).replaceAll("https:", "http:") }),
    says: /this port speaks TLS/,
    fix: /^sed -i .*\/\^XenHost=\/s\|http:\|https:\|g/,
  },
  {
    what: "https is meant for a port without TLS",
    check: "members",
    changes: ({ simulator }) =>
      both({ XenHost: String(simulator.hosts[0]?.httpUrl).replace("http:", "https:") }),
    says: /there is no TLS on this port/,
    fix: /^sed -i .*\/\^XenHost=\/s.*http:\/\//,
  },
  {
    what: "a certificate is another than the pinned one",
    check: "certificates",
    changes: () => both({ XenFingerprint: `${"AA:".repeat(31)}AA` }),
    says: /shows a certificate that is not among the trusted ones.*; it shows [0-9A-F:]{95}/,
    fix: /^ssh root@127\.0\.0\.1 openssl x509 -noout -fingerprint/,
  },
  {
    what: "nothing says whom to trust",
    check: "certificates",
    changes: () => both({ XenFingerprint: undefined }),
    says: /the certificate of https:\/\/127\.0\.0\.1:\d+ is not trusted by this machine's authorities: it is self-signed/,
    fix: /openssl x509/,
  },
  {
    what: "a member's certificate is missing among the trusted ones",
    check: "certificates",
    changes: ({ simulator }) => both({ XenFingerprint: String(simulator.hosts[0]?.fingerprint256) }),
    says: /https:\/\/127\.0\.0\.2:\d+ shows a certificate that is not among the trusted ones/,
    fix: /openssl x509/,
  },
  // The pool.
  {
    what: "the pool's password is wrong",
    check: "login",
    changes: () => ({ control: { XenPass: "another" } }),
    says: /xcp-control: .* does not accept the password of user "mover"/,
    fix: /^\$\{EDITOR:-vi\} .*control\.settings {3}# XenUsr and XenPass/,
  },
  {
    what: "it is another pool than XenPoolUuid says",
    check: "login",
    changes: () => both({ XenPoolUuid: "00000000-0000-4000-8000-000000000001" }),
    says: /belongs to the pool [0-9a-f-]{36}, but the pool 00000000-0000-4000-8000-000000000001 is meant/,
    fix: /^sed -i .*XenPoolUuid=[0-9a-f-]{36}/,
  },
  {
    what: "the database holds another pool",
    check: "pool-identity",
    arrange: () => world.asRoot("UPDATE Collection SET PoolUuid = '00000000-0000-4000-8000-000000000002'"),
    undo: () => world.asRoot(`UPDATE Collection SET PoolUuid = '${poolUuid()}'`),
    says: /the database holds the pool 00000000-0000-4000-8000-000000000002/,
    fix: /XenHost: a member of that pool/,
  },
  {
    what: "only one member is named",
    check: "master",
    state: "warning",
    changes: ({ simulator }) => both({ XenHost: simulator.masterUrl }),
    says: /is the only member that XenHost names/,
    fix: /^sed -i .*XenHost=127\.0\.0\.1:\d+,127\.0\.0\.2:\d+,127\.0\.0\.3:\d+/,
  },
  {
    what: "control's user may not migrate",
    check: "role",
    changes: () => ({ control: { XenUsr: "reader" } }),
    says: /xcp-control \(reader\) lacks vm\.pool_migrate: the role vm-power-admin has it/,
    fix: /^xe subject-list/,
  },
  {
    what: "a host is in maintenance",
    check: "hosts",
    state: "warning",
    arrange: () => setHost("gamma", "enabled", false),
    undo: () => setHost("gamma", "enabled", true),
    says: /gamma is disabled/,
    fix: /^xe host-enable uuid=/,
  },
  {
    what: "a host is dead",
    check: "hosts",
    state: "warning",
    arrange: () => setLive("gamma", false),
    undo: () => setLive("gamma", true),
    says: /gamma is not alive/,
    fix: /^xe host-power-on uuid=/,
  },
  {
    what: "a host's clock is wrong",
    check: "clocks",
    state: "warning",
    arrange: () => void runCommand(world.pool, "clock beta 10m"),
    undo: () => runCommand(world.pool, "clock beta 0s"),
    says: /the clock of host beta is (?:9 min 5\d s|10 min) ahead of the others/,
    fix: /^ssh root@127\.0\.0\.2 'systemctl enable --now chronyd/,
  },
  {
    what: "a host tells no measures",
    check: "rrd",
    arrange: () => void runCommand(world.pool, "hang /rrd_updates host=beta times=always"),
    undo: () => runCommand(world.pool, "end-faults"),
    changes: () => ({ collect: { CollectHostSeconds: "1" } }),
    says: /beta: .*\/rrd_updates.*no complete answer within 1 s/,
    fix: /^ssh root@127\.0\.0\.2 'systemctl restart xcp-rrdd/,
  },
  {
    what: "a rule compares what the pool does not record",
    check: "run-states",
    arrange: () => manager("CREATE RULE HOST CpuWait > 5 NAME wait"),
    undo: () => manager("DELETE RULE HOST wait"),
    says: /recorded of 0 of 3 running VMs, and a rule compares CpuWait: it does nothing/,
    fix: /collect\.settings +# CollectRecordWaits=yes; XenUsr needs the role vm-admin$/,
  },
  {
    what: "HA has no plan for the failures that it is to bear",
    check: "high-availability",
    state: "warning",
    arrange: () => setPool({ ha_enabled: true, ha_host_failures_to_tolerate: 2n, ha_plan_exists_for: 1n }),
    undo: () => setPool({ ha_enabled: false, ha_host_failures_to_tolerate: 0n, ha_plan_exists_for: 0n }),
    says: /HA is to bear 2 failures and has a plan for 1/,
    fix: /^xe pool-param-set uuid=\S+ ha-host-failures-to-tolerate=1/,
  },
  {
    what: "the pool's own Workload Balancing is on",
    check: "workload-balancing",
    arrange: () => setPool({ wlb_enabled: true }),
    undo: () => setPool({ wlb_enabled: false }),
    says: /Workload Balancing is on/,
    fix: /^xe pool-param-set uuid=\S+ wlb-enabled=false$/,
  },
  {
    what: "a rolling upgrade is going on",
    check: "rolling-upgrade",
    state: "warning",
    arrange: () => setPool({ other_config: { rolling_upgrade_in_progress: "true" } }),
    undo: () => setPool({ other_config: {} }),
    says: /a rolling upgrade is going on/,
    fix: /^xe pool-param-remove uuid=\S+ param-name=other-config/,
  },
  // What runs, and what keeps it from work.
  {
    what: "xcp-collect does not run any more",
    check: "collect-success",
    arrange: () => world.asRoot("UPDATE Collection SET StartedAt = TIMESTAMPADD(HOUR, -3, StartedAt)"),
    undo: () => world.asRoot("UPDATE Collection SET StartedAt = TIMESTAMPADD(HOUR, 3, StartedAt)"),
    says: /the newest collection is of 3 h ago; xcp-control acts on none that is older than 300 s/,
    fix: /^xcp-collect --settings .*collect\.settings$/,
  },
  {
    what: "the last run of xcp-collect failed",
    check: "collect-success",
    arrange: () => insertRuns("xcp-collect", [5], "failed", "the pool is on fire"),
    undo: () => forgetRuns(),
    says: /its last run, \d+ s ago, failed: the pool is on fire/,
    fix: /^xcp-collect --settings/,
  },
  {
    what: "xcp-collect runs too seldom",
    check: "collect-cadence",
    arrange: () =>
      world.asRoot(
        "UPDATE Collection SET StartedAt = TIMESTAMPADD(MINUTE, -60, StartedAt)",
        ...[1, 2, 3].map(
          (index) =>
            `INSERT INTO Collection (Id, Token, StartedAt, FinishedAt, PoolUuid, HostsRead, HostsUnread, Vms, Complete, DurationMs)
             SELECT Id + ${index}, UUID(), TIMESTAMPADD(MINUTE, ${20 * index}, StartedAt), FinishedAt, PoolUuid, 3, 0, 3, 1, 5
               FROM Collection WHERE Id = 1`,
        ),
      ),
    undo: () =>
      world.asRoot(
        "DELETE FROM Collection WHERE Id > 1",
        "UPDATE Collection SET StartedAt = TIMESTAMPADD(MINUTE, 60, StartedAt)",
      ),
    says: /every 20 min: no two collections are near enough to be averaged/,
    fix: /crontab/,
  },
  {
    what: "the last run of xcp-control failed",
    check: "control-success",
    arrange: () => insertRuns("xcp-control", [5], "failed", "no way in"),
    undo: () => forgetRuns(),
    says: /its last run, \d+ s ago, failed: no way in/,
    fix: /^xcp-control --settings .*control\.settings --dry-run$/,
  },
  {
    what: "xcp-control does not run any more",
    check: "control-cadence",
    state: "warning",
    arrange: async () => {
      await world.asRoot("UPDATE ProgramRun SET StartedAt = TIMESTAMPADD(DAY, -9, StartedAt)");
      await insertRuns("xcp-control", [7200, 7500, 7800, 8100], "done", null);
    },
    undo: async () => {
      await forgetRuns();
      await world.asRoot("UPDATE ProgramRun SET StartedAt = TIMESTAMPADD(DAY, 9, StartedAt)");
    },
    says: /every 5 min until 2 h ago, and not since/,
    fix: /crontab/,
  },
  {
    what: "the lease names a holder and no end",
    check: "lease",
    arrange: () => world.asRoot("UPDATE Lease SET RunId = UUID(), Holder = 'somebody', ExpiresAt = NULL"),
    says: /names a holder \(somebody\) but no end/,
    fix: /^mysql .*UPDATE Lease SET RunId = NULL/,
    mends: true,
  },
  {
    what: "somebody has paused control and forgotten it",
    check: "held-back",
    arrange: () =>
      world.asRoot(
        "UPDATE Pause SET Paused = 1, PausedBy = 'anna', PausedAt = TIMESTAMPADD(DAY, -9, UTC_TIMESTAMP(6)), Reason = 'storage'",
      ),
    says: /paused 9 d ago by anna, without an end: storage; forgotten\?/,
    fix: /^xcp-manager --settings .*manager\.settings -e "RESUME CONTROL"$/,
    mends: true,
  },
  {
    what: "the breaker is open",
    check: "held-back",
    arrange: () =>
      world.asRoot(
        "UPDATE Breaker SET Trips = 1, OpenedAt = UTC_TIMESTAMP(6), OpenUntil = TIMESTAMPADD(HOUR, 1, UTC_TIMESTAMP(6)), Reason = 'two failed'",
      ),
    undo: () => world.asRoot("UPDATE Breaker SET Trips = 0, OpenedAt = NULL, OpenUntil = NULL"),
    says: /the breaker is open for another .*: two failed/,
    fix: /SHOW MIGRATIONS/,
  },
  {
    what: "there is no rule",
    check: "rules",
    state: "warning",
    arrange: () => world.asRoot("DELETE FROM HostRule"),
    says: /there is no rule: nothing will ever be moved/,
    fix: /^xcp-manager --settings .* -e 'CREATE RULE SERVE CPU'$/,
    mends: true,
    undo: async () => {
      await world.asRoot("DELETE FROM RuleTerm");
      await world.asRoot("DELETE FROM AddedRule");
      await world.asRoot("INSERT INTO HostRule (Subject, Threshold) VALUES ('CpuAverage', 25)");
    },
  },
  {
    what: "a row of HostRule is no rule",
    check: "rules",
    arrange: () => world.asRoot("INSERT INTO HostRule (Subject, Threshold) VALUES ('Cpu''Averag', 25)"),
    says: /a row of the rules is none \(Cpu'Averag/,
    fix: /^mysql .*DELETE FROM HostRule WHERE Subject = /,
    mends: true,
  },
  {
    what: "old history is not deleted",
    check: "history",
    state: "warning",
    arrange: () => world.asRoot("UPDATE HostSample SET CollectedAt = TIMESTAMPADD(DAY, -90, CollectedAt)"),
    undo: () => world.asRoot("UPDATE HostSample SET CollectedAt = TIMESTAMPADD(DAY, 90, CollectedAt)"),
    says: /it goes back 90 days, and HistoryHostSampleDays is 30/,
    fix: /^xcp-collect --settings/,
  },
];

async function manager(command: string): Promise<void> {
  const run = await runProgram("xcp-manager", ["-e", command], { settings: world.well("manager") });
  expect(run).toMatchObject({ code: 0 });
}

/** The seed's own area and those that it hangs on: the rest was seen to be well, and takes its time. */
function areasOf({ check }: Seed): readonly Area[] {
  const area = checks.find(({ name }) => name === check)?.area ?? "settings";
  const below: Readonly<Record<Area, readonly Area[]>> = {
    settings: [],
    database: ["settings"],
    network: ["settings"],
    pool: ["settings", "database"],
    schedule: ["settings", "database"],
  };
  return [...below[area], area];
}

function poolUuid(): string {
  return world.pool.db.text("pool", world.pool.db.all("pool")[0] ?? "", "uuid");
}

function setPool(fields: Readonly<Record<string, unknown>>): void {
  const [ref = ""] = world.pool.db.all("pool");
  for (const [field, value] of Object.entries(fields)) world.pool.db.set("pool", ref, field, value as never);
}

function hostRef(name: string): string {
  return (
    world.pool.db.all("host").find((ref) => world.pool.db.text("host", ref, "name_label") === name) ?? ""
  );
}

function setHost(name: string, field: string, value: boolean): void {
  world.pool.db.set("host", hostRef(name), field, value);
}

function setLive(name: string, live: boolean): void {
  const metrics = world.pool.db.text("host", hostRef(name), "metrics");
  world.pool.db.set("host_metrics", metrics, "live", live);
}

/** Runs of so many seconds ago, of a process that no other run has. */
async function insertRuns(
  program: string,
  secondsAgo: readonly number[],
  outcome: string,
  detail: string | null,
): Promise<void> {
  const rows = secondsAgo.map(
    (seconds) =>
      `(UUID(), '${program}', 'seed', 1, TIMESTAMPADD(SECOND, -${seconds}, UTC_TIMESTAMP(6)), UTC_TIMESTAMP(6), '${outcome}', 1, ${detail === null ? "NULL" : `'${detail}'`})`,
  );
  await world.asRoot(
    `INSERT INTO ProgramRun (Id, Program, HostName, Pid, StartedAt, FinishedAt, Outcome, ExitCode, Detail) VALUES ${rows.join(", ")}`,
  );
}

function forgetRuns(): Promise<void> {
  return world.asRoot("DELETE FROM ProgramRun WHERE HostName = 'seed'");
}

/** The programs of a fix, each told apart from its arguments: the shell reads the line, these do its work. */
async function mend(fix: string): Promise<void> {
  const stub = (name: string) => `${name}() { printf '%s\\0' ${name} "$@" >"$CALL"; }`;
  const script = [...["mysql", "xcp-manager", "xcp-collect", "xcp-control"].map(stub), fix].join("\n");
  const call = path.join(await temporaryFolder(), "call");
  await writeFile(call, "");
  await promisify(execFile)("/bin/bash", ["-c", script], {
    env: { PATH: process.env["PATH"], HOME: path.dirname(call), CALL: call },
  });
  const [name = "", ...args] = (await readFile(call, "utf8")).split("\0").slice(0, -1);
  if (name === "mysql") await world.asRoot(...(args.at(-1) ?? "").split("; "));
  else if (name !== "") expect(await runProgram(name as "xcp-manager", args)).toMatchObject({ code: 0 });
}

describe("doctor", () => {
  it("finds nothing wrong with a world that is well, and checks all of it", async () => {
    const report = await world.report();
    expect(complaints(report)).toEqual([]);
    expect(report.checks.map(({ state }) => state).filter((state) => state !== "ok")).toEqual([]);
    expect(report.counts.ok).toBe(report.checks.length);
  });

  it.each(seeds.map((seed) => [seed.what, seed] as const))("U2: names it when %s", async (_, seed) => {
    const at = await world.write(seed.changes?.(world));
    await seed.arrange?.(at);
    try {
      const report = await at.report(areasOf(seed));
      const { findings } = checkOf(report, seed.check);
      const found = findings.filter(({ says }) => seed.says.test(says));
      expect(found, complaints(report).join("\n")).not.toEqual([]);
      expect(found[0]?.state).toBe(seed.state ?? "failure");
      expect(found[0]?.fix[0]).toMatch(seed.fix);
      if (seed.mends !== true) return;
      await mend(found[0]?.fix[0] ?? "");
      expect(complaints(await at.report(areasOf(seed)))).toEqual([]);
    } finally {
      await seed.undo?.();
    }
  });

  it("knows thirty misconfigurations and more, in every area", () => {
    expect(seeds.length).toBeGreaterThanOrEqual(30);
  });

  it("leaves no session behind, and nothing changed", async () => {
    await world.report();
    expect(world.pool.db.count("session")).toBe(0);
    expect(world.pool.db.count("task")).toBe(0);
    expect(complaints(await world.report())).toEqual([]);
  });

  it("finds Node too old", async () => {
    const { file } = await world.write();
    const places = settingsPlaces({ settings: file("manager") });
    const signal = AbortSignal.timeout(60_000);
    const report = await diagnose({ places, nodeVersion: "v18.19.0", signal });
    expect(complaints(report)).toEqual([
      expect.stringMatching(
        /^failure node-version: Node v18\.19\.0 is too old; 20 or later is needed \[apt-get/,
      ),
    ]);
  });
});
