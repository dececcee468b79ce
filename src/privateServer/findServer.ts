/** Finds a MariaDB or MySQL server program on this machine. Starts nothing but its `--version`. */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";

export type ServerFlavour = "MariaDB" | "MySQL";

export interface ServerProgram {
  /** Path of mariadbd or mysqld. */
  readonly program: string;
  readonly flavour: ServerFlavour;
  /** As the program tells it, e.g. "10.11.19" or "9.7.4". */
  readonly version: string;
  /** MariaDB's program that makes a data folder; null for MySQL, which makes its own. */
  readonly installer: string | null;
  /** Set where the packages were unpacked into a folder: what --basedir and the loader need. */
  readonly unpacked: { readonly baseDirectory: string; readonly libraryPath: string } | null;
}

export interface SearchPlaces {
  /** The value of PATH. */
  readonly path: string;
  /** A server program to take before all others (XCP_SERVER_PROGRAM); "" for none. */
  readonly chosen: string;
  /** Folder into which installServer unpacks packages. */
  readonly unpackFolder: string;
  /** Folders to search after PATH; by default where Debian, Fedora, Homebrew and MySQL's own packages put it. */
  readonly folders?: readonly string[];
}

const usualFolders = [
  "/usr/sbin",
  "/usr/local/sbin",
  "/usr/libexec",
  "/usr/local/libexec",
  ...["/opt/homebrew", "/usr/local"].flatMap((brew) =>
    ["bin", "opt/mariadb/bin", "opt/mysql/bin", "opt/mysql@8.4/bin"].map((folder) => join(brew, folder)),
  ),
  "/usr/local/mysql/bin",
];

/**
 * The server to use: the chosen one, else a MariaDB of this machine, else a MySQL, else the unpacked one; null
 * where none is complete and new enough (MariaDB 10.6, MySQL 8.0). A chosen program that is unusable is an error.
 */
export async function findServer(places: SearchPlaces): Promise<ServerProgram | null> {
  const onPath = places.path.split(delimiter).filter((folder) => folder !== "");
  if (places.chosen !== "") {
    const chosen = await inspect(places.chosen, onPath, null);
    if (chosen === null)
      throw new Error(`${places.chosen} is no complete MariaDB (10.6+) or MySQL (8.0+) server`);
    return chosen;
  }
  const folders = [...new Set([...onPath, ...(places.folders ?? usualFolders)])];
  for (const name of ["mariadbd", "mysqld"]) {
    for (const folder of folders) {
      const found = await inspect(join(folder, name), folders, null);
      if (found !== null) return found;
    }
  }
  return findUnpacked(places.unpackFolder);
}

async function findUnpacked(folder: string): Promise<ServerProgram | null> {
  const baseDirectory = join(folder, "usr");
  const libraries = await readdir(join(baseDirectory, "lib")).catch(() => []);
  const triplets = libraries.filter((name) => name.includes("-linux-gnu"));
  const libraryPath = triplets.map((name) => join(baseDirectory, "lib", name)).join(delimiter);
  return inspect(join(baseDirectory, "sbin", "mariadbd"), [], { baseDirectory, libraryPath });
}

async function inspect(
  program: string,
  folders: readonly string[],
  unpacked: ServerProgram["unpacked"],
): Promise<ServerProgram | null> {
  if (!(await isExecutable(program))) return null;
  const text = await versionText(program, unpacked?.libraryPath);
  const version = /Ver (\d+(?:\.\d+)+)/.exec(text)?.[1];
  if (version === undefined) return null;
  const flavour: ServerFlavour = /mariadb/i.test(text) ? "MariaDB" : "MySQL";
  if (!isNewEnough(flavour, version)) return null;
  if (flavour === "MySQL") return { program, flavour, version, installer: null, unpacked };
  const beside = ["", "../bin", "../scripts"].map((step) => join(dirname(program), step));
  const installer = await firstExecutable(
    ["mariadb-install-db", "mysql_install_db"],
    [...beside, ...folders],
  );
  // The installer is a script that cannot work without this helper, which is in another package.
  const helper = await firstExecutable(["my_print_defaults"], [...beside, ...folders, "/usr/bin"]);
  if (installer === null || helper === null) return null;
  return { program, flavour, version, installer, unpacked };
}

function isNewEnough(flavour: ServerFlavour, version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return flavour === "MariaDB" ? major > 10 || (major === 10 && minor >= 6) : major >= 8;
}

function versionText(program: string, libraryPath: string | undefined): Promise<string> {
  const env = libraryPath === undefined ? process.env : { ...process.env, LD_LIBRARY_PATH: libraryPath };
  return new Promise((resolve) => {
    execFile(program, ["--no-defaults", "--version"], { env, timeout: 20_000 }, (error, stdout) => {
      resolve(error === null ? stdout : "");
    });
  });
}

async function firstExecutable(names: readonly string[], folders: readonly string[]): Promise<string | null> {
  for (const name of names) {
    for (const folder of folders) {
      if (await isExecutable(join(folder, name))) return join(folder, name);
    }
  }
  return null;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
