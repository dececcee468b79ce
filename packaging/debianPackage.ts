/** The Debian package: the npm package with what it needs, its files where Debian has them, built by dpkg-deb alone. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { type Manifest, projectFolder, readManifest } from "./commandTree.ts";
import { readCommit } from "./files.ts";
import { runtimePackages } from "./npmPackage.ts";
import { settingsOwners, settingsTemplate } from "./settingsTemplates.ts";

export interface DebianOptions {
  /** What npm pack made of this tree. */
  readonly npmPackage: string;
  /** An empty or missing folder: the package's files are gathered there. */
  readonly workFolder: string;
  /** Where the .deb goes. */
  readonly destination: string;
  /** Another version than package.json's, for trials of an upgrade. */
  readonly version?: string;
  /** Quick and large, for tests. */
  readonly uncompressed?: boolean;
}

const name = "xcp-balance";

/**
 * Whoever makes the package for others, as Debian's own tools take it from DEBFULLNAME and DEBEMAIL. Without them an address
 * that reaches nobody and says so (RFC 2606): there is none of the project.
 */
function maintainer(): string {
  const { DEBFULLNAME: fullName = "", DEBEMAIL: address = "" } = process.env;
  const plain = (text: string) => text.replaceAll(/[\p{Cc}<>,]/gu, " ").trim();
  if (plain(address) === "") return "The authors of xcp-balance <nobody@xcp-balance.invalid>";
  return `${plain(fullName) || "xcp-balance"} <${plain(address)}>`;
}

/** Builds the package. Returns its path. */
export function makeDebian(options: DebianOptions): string {
  const manifest = {
    ...readManifest(),
    ...(options.version === undefined ? {} : { version: options.version }),
  };
  const root = options.workFolder;
  rmSync(root, { recursive: true, force: true });
  const lib = placePrograms(root, options.npmPackage, manifest);
  placePages(root, lib, manifest);
  placeOperatorsFiles(root, lib);
  settleModes(root);
  writeControl(root, manifest);
  return build(root, options, manifest.version);
}

/** /usr/lib/xcp-balance, with the packages that the programs need, and the links in /usr/bin. */
function placePrograms(root: string, npmPackage: string, manifest: Manifest): string {
  const lib = folder(root, "usr/lib", name);
  execFileSync("tar", ["-xzf", npmPackage, "-C", lib, "--strip-components=1", "--no-same-owner"]);
  for (const each of runtimePackages()) {
    const notNeeded =
      /\/(?:\.npmignore|\.github|\.editorconfig|\.eslintrc[^/]*|\.nycrc)$|\.d\.[cm]?ts$|\.map$/;
    cpSync(join(projectFolder, each), join(lib, each), {
      recursive: true,
      filter: (file) => !notNeeded.test(file),
    });
  }
  const stated = JSON.parse(readFileSync(join(lib, "package.json"), "utf8")) as Manifest;
  const { man: _, scripts: __, devDependencies: ___, ...kept } = stated as Manifest & Record<string, unknown>;
  writeFileSync(
    join(lib, "package.json"),
    `${JSON.stringify({ ...kept, version: manifest.version }, null, 2)}\n`,
  );
  const bin = folder(root, "usr/bin");
  for (const [program, file] of Object.entries(manifest.bin)) {
    symlinkSync(join("../lib", name, file), join(bin, program));
  }
  return lib;
}

/** Manual pages, completion and documentation, moved to their places. */
function placePages(root: string, lib: string, { version }: Manifest): void {
  const manuals = folder(root, "usr/share/man/man1");
  const made = join(lib, "dist", "man");
  for (const page of readdirSync(made)) zip(join(manuals, page), readFileSync(join(made, page)));
  rmSync(made, { recursive: true });

  const completion = join(lib, "dist", "completion");
  move(join(completion, "bash"), folder(root, "usr/share/bash-completion"), "completions");
  move(join(completion, "zsh"), folder(root, "usr/share/zsh"), "vendor-completions");
  move(join(completion, "fish"), folder(root, "usr/share/fish"), "vendor_completions.d");
  rmSync(completion, { recursive: true });

  const doc = folder(root, "usr/share/doc", name);
  // The pages link to ../monitoring: alert rules, the dashboard, hooks to copy.
  for (const page of ["README.md", "docs", "monitoring"]) move(join(lib, page), doc);
  zip(join(doc, "changelog"), readFileSync(join(lib, "CHANGELOG.md")));
  rmSync(join(lib, "CHANGELOG.md"));
  zip(join(doc, "changelog.Debian"), changeLog(version));
  const licence = readFileSync(join(lib, "LICENSE"), "utf8");
  const others =
    "The npm packages in /usr/lib/xcp-balance/node_modules carry their licences in their own folders.";
  writeFileSync(join(doc, "copyright"), `${licence}\n${others}\n`);
  rmSync(join(lib, "LICENSE"));
}

function changeLog(version: string): string {
  const date = readCommit().date.toUTCString().replace("GMT", "+0000");
  return `${name} (${version}-1) stable; urgency=medium\n\n  * What changed stands in changelog.gz.\n\n -- ${maintainer()}  ${date}\n`;
}

/** Units, templates of settings, and the examples that an administrator copies. */
function placeOperatorsFiles(root: string, lib: string): void {
  const files = join(lib, "packaging", "files");
  move(join(files, "systemd"), folder(root, "usr/lib/systemd"), "system");
  move(join(files, "sysusers.conf"), folder(root, "usr/lib/sysusers.d"), `${name}.conf`);
  move(join(files, "tmpfiles.conf"), folder(root, "usr/lib/tmpfiles.d"), `${name}.conf`);
  move(join(files, "logrotate"), folder(root, "etc/logrotate.d"), name);
  const examples = folder(root, "usr/share/doc", name, "examples");
  for (const example of readdirSync(files)) move(join(files, example), examples);
  rmSync(join(lib, "packaging"), { recursive: true });
  move(join(lib, "settings.example"), examples);
  cpSync(join(lib, "sql", "accounts.sql"), join(examples, "accounts.sql"));
  const settings = folder(root, "etc", name);
  // Where an operator's hooks go; empty until then.
  folder(root, "etc", name, "hooks.d");
  for (const owner of settingsOwners)
    writeFileSync(join(settings, `${owner}.settings`), settingsTemplate(owner));
}

/** Whatever the umask of the build was; in /etc/xcp-balance others read nothing. */
function settleModes(root: string): void {
  for (const entry of readdirSync(root, { withFileTypes: true, recursive: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) continue;
    const own = relative(root, file).startsWith(`etc/${name}`);
    const runs = entry.isFile() && (statSync(file).mode & 0o111) !== 0;
    if (entry.isDirectory()) chmodSync(file, own ? 0o750 : 0o755);
    else chmodSync(file, own ? 0o640 : runs ? 0o755 : 0o644);
  }
  chmodSync(root, 0o755);
}

function writeControl(root: string, { version, description }: Manifest): void {
  const debian = folder(root, "DEBIAN");
  const files = filesBelow(root).filter((file) => !file.startsWith("DEBIAN/"));
  const bytes = files.reduce((sum, file) => sum + statSync(join(root, file)).size, 0);
  const control = `Package: ${name}
Version: ${version}-1
Architecture: all
Maintainer: ${maintainer()}
Installed-Size: ${Math.ceil(bytes / 1024)}
Depends: nodejs (>= 20), passwd
Suggests: mariadb-server | default-mysql-server, prometheus-node-exporter, bash-completion
Section: admin
Priority: optional
Description: ${description.replace(/^Keeps/, "keeps").split(", by")[0]}
 Rules such as "no host's CPU more than 25 % above the pool's mean" are kept by
 live migration: each move is told with its reason and figures, each VM with its
 reason to stay, and nothing is done when in doubt. Nothing is installed on the
 hosts of the pool; the programs meet in a MySQL or MariaDB database.
`;
  writeFileSync(join(debian, "control"), control);
  const configuration = files.filter((file) => file.startsWith("etc/")).sort();
  writeFileSync(join(debian, "conffiles"), configuration.map((file) => `/${file}\n`).join(""));
  const sums = files
    .filter((file) => !file.startsWith("etc/"))
    .map(
      (file) =>
        `${createHash("md5")
          .update(readFileSync(join(root, file)))
          .digest("hex")}  ${file}\n`,
    );
  writeFileSync(join(debian, "md5sums"), sums.join(""));
  for (const script of ["postinst", "prerm", "postrm"]) {
    cpSync(join(projectFolder, "packaging", "debian", script), join(debian, script));
    chmodSync(join(debian, script), 0o755);
  }
}

/** Files, from the root; links are none. */
function filesBelow(root: string): readonly string[] {
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

function build(root: string, { destination, uncompressed }: DebianOptions, version: string): string {
  mkdirSync(destination, { recursive: true });
  const file = join(destination, `${name}_${version}-1_all.deb`);
  const compression = uncompressed === true ? "-Znone" : "-Zxz";
  const seconds = Math.floor(readCommit().date.getTime() / 1000);
  execFileSync("dpkg-deb", ["--root-owner-group", compression, "--build", root, file], {
    stdio: ["ignore", "ignore", "inherit"],
    // The same sources make the same package.
    env: { ...process.env, SOURCE_DATE_EPOCH: String(seconds) },
  });
  return file;
}

function folder(...parts: readonly string[]): string {
  const made = join(...parts);
  mkdirSync(made, { recursive: true });
  return made;
}

function move(from: string, into: string, called: string = basename(from)): void {
  const to = join(into, called);
  if (existsSync(to)) throw new Error(`${to} is there twice`);
  mkdirSync(dirname(to), { recursive: true });
  renameSync(from, to);
}

function zip(file: string, content: string | Buffer): void {
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
}
