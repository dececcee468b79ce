/**
 * README.md's three commands for a Debian, as printed: install the package, a simulated pool with a doctor that finds nothing
 * wrong, a report that a browser shows. The Debian is this machine under a layer of its own, which is thrown away; its server is
 * the test run's. `npm run package -- try` does the same in a fresh Debian.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { projectFolder } from "../../packaging/commandTree.ts";
import { makeDebian } from "../../packaging/debianPackage.ts";
import { DebianRoot } from "../../packaging/trial/debianRoot.ts";
import { threeCommands } from "../../packaging/trial/readme.ts";
import { Chromium, chromium } from "../support/chromium.ts";
import { packedInto } from "../support/npmPackage.ts";
import { temporaryFolder } from "../support/programs.ts";

const screenshots = join(projectFolder, ".xcp-balance", "screenshots");

it("README.md has three commands", () => {
  const [install, pool, report, ...more] = threeCommands();
  expect(more).toEqual([]);
  expect(install).toMatch(/^apt-get install \.\/packages\/xcp-balance_\*_all\.deb mariadb-server$/);
  expect(pool).toBe("sh /usr/share/doc/xcp-balance/examples/try-simulated-pool");
  expect(report).toMatch(/^xcp-manager report --settings \S+ --since 1h -o \S+\.html$/);
});

describe.skipIf(!canLayer())("on a Debian", () => {
  const server = inject("databaseServer");
  const environment = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: "/root",
    LANG: "C.UTF-8",
    XCP_MYSQL_HOST: `${server.host}:${server.port}`,
    XCP_MYSQL_USR: server.user,
    XCP_MYSQL_PASS: server.password,
  };
  let memory: string;
  let debian: DebianRoot;

  beforeAll(async () => {
    const work = await temporaryFolder();
    const npmPackage = await packedInto(work);
    const file = makeDebian({
      npmPackage,
      workFolder: join(work, "files"),
      destination: work,
      uncompressed: true,
    });
    memory = await temporaryFolder();
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", memory]);
    debian = new DebianRoot("/", join(memory, "debian"));
    // What apt-get would do; that this machine's Node and server are not Debian's is of no account.
    execFileSync("cp", [file, join(debian.path, "tmp", "xcp-balance.deb")]);
    debian.mustRun(["dpkg", "--install", "--force-depends", "--force-unsafe-io", "/tmp/xcp-balance.deb"]);
  }, 240_000);

  afterAll(() => {
    debian?.remove();
    if (memory !== undefined) execFileSync("umount", [memory]);
  });

  it("a simulated pool of which doctor finds nothing wrong, a report that Chromium shows, and all of it gone again", async () => {
    const [, pool = "", report = ""] = threeCommands();
    const gone = `${pool} remove`;
    // One shell: the simulated pool ends with it.
    const all = `cd /tmp && ${pool} && ${report} && ${pool}; echo "again: $?" && ${gone} && ls /etc/xcp-balance`;
    // And the package, though somebody's process of its account still runs.
    const purge =
      "setpriv --reuid=xcp-balance --clear-groups sleep 60 & dpkg --purge xcp-balance; echo purged: $?";
    const ran = debian.run(["sh", "-c", `${all}; ${purge}`], { env: environment });
    expect(ran.stderr).toMatch(
      /^try-simulated-pool: \/etc\/xcp-balance\/simulated is there already; to begin anew: .* remove$/m,
    );
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining("\nagain: 1\n") });
    expect(ran.stdout).toMatch(/\npurged: 0\n$/);
    expect(ran.stderr).toContain("the account xcp-balance stays, for a process of it still runs");
    const [diagnosis = ""] = /^Settings\n[\s\S]*?^\d+ checks.*$/m.exec(ran.stdout) ?? [];
    expect(diagnosis).toMatch(/^ +ok +login: /m);
    expect(diagnosis).not.toMatch(/^ +(?:FAILURE|WARNING) /m);
    expect(ran.stdout).toMatch(/VM2 - Debian: .*Host2 -> Host1/);
    expect(/\nremoved: [\s\S]*/.exec(ran.stdout)?.[0]).not.toMatch(/^simulated$/m);
    const page = join(debian.path, "tmp", /-o (\S+)/.exec(report)?.[1] ?? "");
    expect(statSync(page).mode & 0o777).toBe(0o600);
    expect(readFileSync(page, "utf8")).toContain("VM2 - Debian");
    if (chromium === null) return;
    const browser = await Chromium.start();
    try {
      const shown = await browser.open(`file://${page}`);
      expect(await shown.evaluate("document.querySelectorAll('svg').length")).toBeGreaterThan(2);
      expect(shown.seen.complaints).toEqual([]);
      mkdirSync(screenshots, { recursive: true });
      writeFileSync(join(screenshots, "three-commands.png"), await shown.picture("light"));
    } finally {
      await browser.stop();
      rmSync(page);
    }
  }, 240_000);
});

/** Root, dpkg, a client of MySQL, and a kernel that lays one file system over another. */
function canLayer(): boolean {
  const have = (program: string) => spawnSync(program, ["--version"]).status === 0;
  const mysql = have("mariadb") || have("mysql");
  const can = process.getuid?.() === 0 && have("dpkg") && mysql && have("setpriv") && canMount();
  if (!can) console.warn("no root, dpkg, mariadb or overlay here: README's three commands are not tried");
  return can;
}

function canMount(): boolean {
  const words = ["--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt && grep -q overlay /proc/filesystems"];
  return spawnSync("unshare", words).status === 0;
}
