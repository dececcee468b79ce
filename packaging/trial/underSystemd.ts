/**
 * The Debian package on a machine that boots: its units run by systemd, as docs/install.md, docs/wlb.md, docs/upgrade.md and
 * docs/uninstall.md say; then the cron lines and logrotate's file by their own programs.
 */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { projectFolder } from "../commandTree.ts";
import { ensureBase } from "./debianRoot.ts";
import { ensureMachine, Machine } from "./machine.ts";
import { type Packages, teller } from "./trial.ts";

/** Migrations in it take 50 seconds: longer than a run that is stopped watches them. */
const scenario = `pool "Trial" product=XCP-ng version=8.3
sr "Shared storage" type=nfs
network "net" device=eth0
host alpha master cpus=4 memory=65536 base-cpu=2%
host beta cpus=4 memory=65536 base-cpu=2%
vm web1 on=alpha vcpus=2 memory=6144 cpu=95% tools
vm web2 on=alpha vcpus=2 memory=6144 cpu=95% tools
vm web3 on=alpha vcpus=2 memory=6144 cpu=95% tools
`;

/** In the place of a mailer, which PrivateTmp and ProtectSystem keep from most folders; as the units' user. */
const sendmail = `#!/bin/sh
cat >>/var/spool/trial/mail
`;

const folder = "/etc/xcp-balance/trial";
const manage = (...commands: readonly string[]) =>
  `xcp-manager --settings ${folder}/manager.settings ${commands.map((each) => `-e "${each}"`).join(" ")}`;

/** Tries it in `work` and tells each step with its seconds. @throws Error with what went wrong. */
export async function tryUnderSystemd(work: string, { older, newer }: Packages): Promise<void> {
  const step = teller();
  const made = join(work, "machine");
  await step("a Debian with systemd, MariaDB and cron (kept for the next time)", () => {
    ensureBase(join(work, "base"));
    ensureMachine(join(work, "base"), made);
  });
  const machine = await step("systemd as process 1", () => Machine.boot(made, join(work, "booted")));
  try {
    const inside = join(machine.root.path, "root");
    for (const file of [older, newer]) cpSync(file, join(inside, basename(file)));
    writeFileSync(join(inside, "trial.pool"), scenario);
    writeFileSync(join(machine.root.path, "usr/sbin/sendmail"), sendmail, { mode: 0o755 });
    await step("apt-get install", () => machine.must(`apt-get install --yes ./${basename(older)}`));
    await step("a simulated pool, database, accounts, settings", () => setUp(machine));
    await step("systemctl enable --now xcp-collect@trial.timer: the first collections", async () => {
      machine.must(everyTenSeconds);
      machine.must("systemctl enable --now xcp-collect@trial.timer");
      await machine.until(/"hosts_?[rR]ead": ?2/, manage("SHOW COLLECTION").replace("-e", "--json -e"), 60);
    });
    await step("a unit that fails is heard, once an hour", () => failureIsHeard(machine));
    await step("a pool without a folder fails, and is heard", async () => {
      if (machine.run("systemctl start xcp-collect@nowhere.service").code === 0)
        throw new Error("xcp-collect@nowhere has run");
      await machine.until(/xcp-collect@nowhere\.service failed/, "cat /var/spool/trial/mail", 20);
    });
    await step("xcp-control@trial, stopped in the middle of a migration", () => stoppedInMigration(machine));
    await step("xcp-wlb@trial listens, has its keys to itself, writes its metrics", async () => {
      machine.must("systemctl enable --now xcp-wlb@trial.service");
      await machine.until(/xcp_balance_wlb_started/, "cat /var/lib/prometheus/node-exporter/*wlb.prom", 60);
      machine.must("test $(stat -c %a /var/lib/xcp-balance/wlb/trial) = 700");
    });
    await step("an upgrade while timers run: xcp-wlb has the new version, collections go on", async () => {
      const before = machine.must("systemctl show -P MainPID xcp-wlb@trial");
      machine.must(`apt-get install --yes ./${basename(newer)}`);
      if (machine.must("systemctl show -P MainPID xcp-wlb@trial") === before)
        throw new Error("xcp-wlb runs on with the old version");
      const seen = machine.must("systemctl show -P ExecMainStartTimestampMonotonic xcp-collect@trial").trim();
      await machine.until(
        new RegExp(`^(?!${seen}$)\\d+$`, "m"),
        "systemctl show -P ExecMainStartTimestampMonotonic xcp-collect@trial",
        40,
      );
      machine.must("systemctl is-active xcp-collect@trial.timer");
    });
    await step("the cron lines by cron itself, and logrotate", () => byCron(machine));
    await step("nothing else has failed", () => {
      const failed = machine.must(
        "systemctl reset-failed 'xcp-collect@nowhere.service'; systemctl --failed --plain --no-legend",
      );
      if (failed.trim() !== "") throw new Error(failed);
    });
    await step("apt-get purge while all runs: nothing is left", () => purged(machine));
  } finally {
    await machine.stop();
  }
}

/** So that the trial need not wait for minutes; written as "systemctl edit" writes it. */
const everyTenSeconds = `install -d /etc/systemd/system/xcp-collect@trial.timer.d
printf '[Timer]\\nOnCalendar=\\nOnCalendar=*:*:0/10\\n' >/etc/systemd/system/xcp-collect@trial.timer.d/override.conf
systemctl daemon-reload`;

function setUp(machine: Machine): void {
  machine.must(`
    install -d -m 777 /var/spool/trial
    install -m 666 /dev/null /var/spool/trial/mail
    install -m 755 /usr/share/doc/xcp-balance/examples/on-failure /etc/xcp-balance/on-failure
    systemd-run --quiet --unit=trial-pool --property=StandardOutput=file:/run/trial-pool xcp-sim --scenario /root/trial.pool --https
    export XCP_MYSQL_HOST=/run/mysqld/mysqld.sock XCP_MYSQL_USR=root
    (cd / && xcp-manager schema install)
    unset XCP_MYSQL_HOST XCP_MYSQL_USR
    sed -e 's/{database}/Xen/; s/{accountHost}/%/; s/{[a-z]*Password}/a-trial-of-units/' \\
      -e 's/{collectUser}/xcp_collect/; s/{managerUser}/xcp_manager/; s/{controlUser}/xcp_control/' \\
      -e 's/{wlbUser}/xcp_wlb/; s/{readerUser}/xcp_reader/' /usr/share/doc/xcp-balance/examples/accounts.sql | mysql
    install -d -m 750 -g xcp-balance ${folder}
    install -m 640 -g xcp-balance /etc/xcp-balance/*.settings ${folder}
    until grep -q '^Commands are read' /run/trial-pool; do sleep 0.5; done
    install -d -m 755 /var/lib/prometheus/node-exporter
    setfacl -m u:xcp-balance:rwx /var/lib/prometheus/node-exporter
    cd ${folder}
    for program in collect control manager wlb; do
      sed -i -e '/^Xen/d; s/^MysqlPass=.*/MysqlPass=a-trial-of-units/' $program.settings
    done
    for program in collect control; do
      grep -E '^Xen[A-Za-z]*=' /run/trial-pool >>$program.settings
    done
    echo CollectMetricsFile=/var/lib/prometheus/node-exporter/collect.prom >>collect.settings
    echo ControlMetricsFile=/var/lib/prometheus/node-exporter/control.prom >>control.settings
    printf '%s\\n' WlbUsr=wlb WlbListen=127.0.0.1:8012 WlbNames=localhost >>wlb.settings
    echo WlbMetricsFile=/var/lib/prometheus/node-exporter/wlb.prom >>wlb.settings
    echo a-trial-of-units | xcp-wlb --hash-password >>wlb.settings`);
}

async function failureIsHeard(machine: Machine): Promise<void> {
  machine.must(
    `cd ${folder}; cp -p collect.settings /root/kept; sed -i s/^XenPass=.*/XenPass=wrong/ collect.settings`,
  );
  const mail = "cat /var/spool/trial/mail";
  try {
    const text = await machine.until(/does not accept the password/, mail, 60);
    if (!/^Subject: xcp-collect@trial\.service failed on /m.test(text)) throw new Error(text);
  } finally {
    machine.must(`cp -p /root/kept ${folder}/collect.settings`);
  }
  await machine.until(/^success$/m, "systemctl show -P Result xcp-collect@trial", 40);
  const mails = machine.must(mail).split("Subject: xcp-collect@trial").length - 1;
  if (mails !== 1) throw new Error(`${mails} mails`);
}

async function stoppedInMigration(machine: Machine): Promise<void> {
  machine.must(manage("CREATE RULE HOST CpuAverage > 25"));
  machine.must("systemctl start --no-block xcp-control@trial");
  await machine.until(/ - running - /, manage("SHOW MIGRATIONS"), 60);
  machine.must("systemctl stop xcp-control@trial");
  const result = machine.must("systemctl show -P Result xcp-control@trial").trim();
  if (result !== "success") throw new Error(`a run that was stopped counts as ${result}`);
  machine.must("test -s /var/lib/prometheus/node-exporter/control.prom");
  // The next run takes it up.
  machine.must("systemctl start xcp-control@trial");
  await machine.until(/ - succeeded - /, manage("SHOW MIGRATIONS"), 240);
}

/** The file as it is, in the place of the timers. */
async function byCron(machine: Machine): Promise<void> {
  machine.must("systemctl stop xcp-collect@trial.timer");
  const lines = readFileSync(join(projectFolder, "packaging", "files", "cron"), "utf8");
  writeFileSync(join(machine.root.path, "etc/cron.d/xcp-balance"), lines.replaceAll("/POOL ", "/trial "), {
    mode: 0o644,
  });
  const newest = `${manage("SHOW COLLECTION")} | sed -n 1p`;
  const before = machine.must(newest).trim();
  const mails = machine.must("wc -c </var/spool/trial/mail");
  await machine.until(new RegExp(`^(?!${before}$)Collection - \\d+$`, "m"), newest, 130);
  if (machine.must("wc -c </var/spool/trial/mail") !== mails)
    throw new Error(`cron has mailed:\n${machine.must("tail -n 30 /var/spool/trial/mail")}`);
  machine.must(`
    echo 'a line of yesterday' >/var/log/xcp-balance/trial.control.log
    chown xcp-balance: /var/log/xcp-balance/trial.control.log
    logrotate --force /etc/logrotate.d/xcp-balance
    test -s /var/log/xcp-balance/trial.control.log.1
    rm /etc/cron.d/xcp-balance
    systemctl start xcp-collect@trial.timer`);
}

function purged(machine: Machine): void {
  machine.must("systemctl enable --now xcp-control@trial.timer; apt-get purge --yes xcp-balance");
  machine.must("! pgrep --uid xcp-balance 2>/dev/null; ! getent passwd xcp-balance");
  machine.must("rm -r /etc/systemd/system/xcp-*.d; systemctl daemon-reload");
  const left = machine.must(
    "find / -xdev -name '*xcp-*' -not -path '/root/*' -not -path '/proc/*' -not -path '/var/lib/mysql/*'",
  );
  if (left.trim() !== "") throw new Error(`left behind:\n${left}`);
  const loaded = machine.must("systemctl list-units --plain --no-legend --state=active 'xcp-*'");
  if (loaded.trim() !== "") throw new Error(`runs on:\n${loaded}`);
}
