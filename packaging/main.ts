/** Makes the packages, an npm tarball and a Debian package, and the list of what they consist of, in packages/. */
import { spawnSync } from "node:child_process";
import { join, relative } from "node:path";
import process from "node:process";
import { projectFolder } from "./commandTree.ts";
import { makeDebian } from "./debianPackage.ts";
import { writeGenerated } from "./files.ts";
import { packNpm, writeSbom } from "./npmPackage.ts";

const usage = `usage: npm run package [-- COMMAND]
  (none)     makes the npm package and the Debian package in packages/, and an SBOM
  try        makes them, and tries the Debian package in a fresh Debian: install, run, upgrade, purge, and README.md's
             three commands in another (minutes; needs
             root, debootstrap and a Debian mirror, XCP_DEBIAN_MIRROR where it is not this machine's own)
  systemd    makes them, and tries the Debian package on a Debian that boots: its units by systemd, cron lines by cron
             (minutes; needs root, debootstrap, a mirror, and systemd-nspawn of Debian's systemd-container)
  prepare    makes only what goes into both: man pages, completion, the commit, into dist/
`;

const trials = join(projectFolder, ".xcp-balance", "debian-trial");
const packages = join(projectFolder, "packages");

const commands: Readonly<Record<string, () => Promise<void>>> = {
  async make() {
    await makeAll();
  },
  async try() {
    const both = await bothVersions();
    const { tryDebianPackage, tryThreeCommands } = await import("./trial/trial.ts");
    await tryDebianPackage(trials, both);
    await tryThreeCommands(trials, both);
  },
  async systemd() {
    const { canBoot } = await import("./trial/machine.ts");
    if (!canBoot()) throw new Error("no systemd-nspawn here: apt-get install systemd-container");
    const { tryUnderSystemd } = await import("./trial/underSystemd.ts");
    await tryUnderSystemd(trials, await bothVersions());
  },
  prepare: () => writeGenerated(),
};

/** The Debian package as it is, and as one of the version before. */
async function bothVersions(): Promise<{ readonly older: string; readonly newer: string }> {
  const made = await makeAll();
  if (made === null) throw new Error("without dpkg-deb there is nothing to try");
  const workFolder = join(projectFolder, ".xcp-balance", "debian-package");
  const destination = join(projectFolder, ".xcp-balance", "debian-older");
  const older = makeDebian({ npmPackage: made.npmPackage, workFolder, destination, version: "0.0.1" });
  return { older, newer: made.debian };
}

/** Both packages; null where only the npm package can be made. */
async function makeAll(): Promise<{ readonly npmPackage: string; readonly debian: string } | null> {
  await writeGenerated();
  const npmPackage = packNpm(projectFolder, packages);
  tell(npmPackage);
  tell(writeSbom(projectFolder, packages));
  if (!canMakeDebian()) {
    process.stderr.write(
      "xcp-balance: no dpkg-deb here, so no Debian package; it comes with Debian's package dpkg\n",
    );
    return null;
  }
  const workFolder = join(projectFolder, ".xcp-balance", "debian-package");
  const debian = makeDebian({ npmPackage, workFolder, destination: packages });
  tell(debian);
  return { npmPackage, debian };
}

function canMakeDebian(): boolean {
  return spawnSync("dpkg-deb", ["--version"]).status === 0;
}

function tell(file: string): void {
  process.stdout.write(`${relative(projectFolder, file)}\n`);
}

const [name = "make", ...rest] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) && rest.length === 0 ? commands[name] : undefined;
if (command === undefined) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else {
  await command();
}
