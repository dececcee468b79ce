/** Database servers in other versions than the machine's: Debian's packages of another release, unpacked into a folder. */
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { ServerFlavour, ServerProgram } from "../src/privateServer/findServer.ts";
import { outputOf } from "./tool.ts";

/** What is unpacked of which release. */
export interface Packages {
  readonly release: string;
  readonly names: readonly string[];
  readonly flavour: ServerFlavour;
}

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Large, and wanted by no server: scripts of the packages are not run. */
const leftOut = /^(perl|libperl|libgdbm|libdb5)/;

/** The programs of the packages that are started by name. */
const programs = ["usr/sbin/mariadbd", "usr/sbin/mysqld", "usr/bin/my_print_defaults", "usr/bin/resolveip"];

/** The server of the packages, unpacked into `folder` unless it lies there. Throws an error where it cannot be had. */
export async function unpackedServer(packages: Packages, folder: string): Promise<ServerProgram> {
  const root = path.join(folder, "root");
  const done = path.join(folder, "complete");
  if (!existsSync(done)) {
    await rm(folder, { recursive: true, force: true });
    await unpack(packages, folder, root);
    await wrapPrograms(root);
    await writeFile(done, "");
  }
  const isMySql = packages.flavour === "MySQL";
  const program = path.join(root, "usr/sbin", isMySql ? "mysqld" : "mariadbd");
  const text = await outputOf(program, ["--no-defaults", "--version"]);
  const version = /Ver (\d+(?:\.\d+)+)/.exec(text)?.[1];
  if (version === undefined) throw new Error(`${program} tells no version: ${text}`);
  const installer = isMySql ? null : path.join(root, "usr/bin/mariadb-install-db");
  // The programs find their libraries by themselves: wrapPrograms.
  const unpacked = { baseDirectory: path.join(root, "usr"), libraryPath: "" };
  return { program, flavour: packages.flavour, version, installer, unpacked };
}

/** Fetches the packages and all that they depend on, the C library too, with an apt that knows no package as installed. */
async function unpack(packages: Packages, folder: string, root: string): Promise<void> {
  const apt = path.join(folder, "apt");
  const debs = path.join(folder, "debs");
  for (const each of ["etc/preferences.d", "etc/apt.conf.d", "lists/partial", "cache/archives/partial"])
    await mkdir(path.join(apt, each), { recursive: true });
  for (const each of [debs, root]) await mkdir(each, { recursive: true });
  await writeFile(path.join(apt, "status"), "");
  await writeFile(
    path.join(apt, "etc", "sources.list"),
    `deb [signed-by=${keyring}] http://deb.debian.org/debian ${packages.release} main\n`,
  );
  const config = path.join(apt, "apt.conf");
  await writeFile(
    config,
    [
      `Dir::State "${apt}"; Dir::State::lists "${apt}/lists"; Dir::State::status "${apt}/status";`,
      `Dir::Cache "${apt}/cache"; Dir::Etc "${apt}/etc"; Debug::NoLocking "1"; APT::Sandbox::User "";`,
      `Acquire::Languages "none"; Acquire::Check-Valid-Until "false"; APT::Install-Recommends "false";`,
    ].join("\n"),
  );
  const options = { cwd: debs, env: { ...process.env, APT_CONFIG: config, LC_ALL: "C" } };
  await outputOf("apt-get", ["-q", "update"], options);
  const plan = await outputOf("apt-get", ["-q", "install", "--simulate", ...packages.names], options);
  const wanted = [...plan.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? "");
  await outputOf("apt-get", ["-q", "download", ...wanted.filter((name) => !leftOut.test(name))], options);
  for (const deb of await readdir(debs)) await outputOf("dpkg-deb", ["-x", path.join(debs, deb), root]);
  await rm(debs, { recursive: true, force: true });
}

/** Puts a script in the place of each program that runs it by the release's own loader and libraries. */
async function wrapPrograms(root: string): Promise<void> {
  const library = path.join(root, "usr/lib", await tripletOf(root));
  const loader = (await readdir(library)).find((name) => /^ld-linux.*\.so/.test(name));
  if (loader === undefined) throw new Error(`${library} holds no loader`);
  for (const program of programs.map((name) => path.join(root, name)).filter(existsSync)) {
    await rename(program, `${program}.bin`);
    const lines = [
      "#!/bin/sh",
      `exec '${library}/${loader}' --library-path '${library}' '${program}.bin' "$@"`,
    ];
    await writeFile(program, `${lines.join("\n")}\n`);
    await chmod(program, 0o755);
  }
}

async function tripletOf(root: string): Promise<string> {
  const found = (await readdir(path.join(root, "usr/lib"))).find((name) => name.endsWith("-linux-gnu"));
  if (found === undefined) throw new Error(`${root} holds no libraries`);
  return found;
}
