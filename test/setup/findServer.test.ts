import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { findServer } from "../../src/privateServer/findServer.ts";
import { ensureServer } from "../../src/privateServer/installServer.ts";
import { temporaryFolder } from "../support/programs.ts";

const maria = "mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)";
const mysql = "/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))";

/** A machine of which only the folders below `root` exist. */
interface Machine {
  readonly root: string;
  put(path: string, output?: string): Promise<string>;
  places(path: string[], chosen?: string): Parameters<typeof findServer>[0];
}

async function machine(): Promise<Machine> {
  const root = await temporaryFolder();
  return {
    root,
    put: async (path, output = "") => {
      const file = join(root, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `#!/bin/sh\necho "${output}"\n`);
      await chmod(file, 0o755);
      return file;
    },
    places: (path, chosen = "") => ({
      path: path.map((folder) => join(root, folder)).join(":"),
      chosen,
      unpackFolder: join(root, "unpacked"),
      folders: [join(root, "usual")],
    }),
  };
}

/** Puts a complete MariaDB into `folder` of the machine. */
async function putMaria(target: Machine, folder: string, version: string = maria): Promise<string> {
  await target.put(join(folder, "mariadb-install-db"));
  await target.put(join(folder, "my_print_defaults"));
  return target.put(join(folder, "mariadbd"), version);
}

describe("finding a server", () => {
  test("a MariaDB on PATH is found with its version and the script that makes its data", async () => {
    const here = await machine();
    const program = await putMaria(here, "a");
    expect(await findServer(here.places(["none", "a"]))).toEqual({
      program,
      flavour: "MariaDB",
      version: "10.11.19",
      installer: join(here.root, "a", "mariadb-install-db"),
      unpacked: null,
    });
  });

  test("a mysqld is told apart by what it says, not by its name", async () => {
    const here = await machine();
    await here.put("a/mysqld", mysql);
    expect(await findServer(here.places(["a"]))).toMatchObject({
      flavour: "MySQL",
      version: "9.7.4",
      installer: null,
    });
    await putMaria(here, "b");
    await here.put("b/mysqld", maria);
    const chosen = findServer(here.places([], join(here.root, "b", "mysqld")));
    expect(await chosen).toMatchObject({ flavour: "MariaDB", version: "10.11.19" });
  });

  test("MariaDB goes before MySQL, whatever the order of PATH", async () => {
    const here = await machine();
    await here.put("a/mysqld", mysql);
    await putMaria(here, "b");
    expect(await findServer(here.places(["a", "b"]))).toMatchObject({ flavour: "MariaDB" });
  });

  test("a server outside PATH is found in the usual folders", async () => {
    const here = await machine();
    const program = await putMaria(here, "usual");
    expect(await findServer(here.places([]))).toMatchObject({ program });
  });

  test("unpacked packages are found last, with what their loader needs", async () => {
    const here = await machine();
    const program = await here.put("unpacked/usr/sbin/mariadbd", maria);
    await here.put("unpacked/usr/bin/mariadb-install-db");
    await here.put("unpacked/usr/bin/my_print_defaults");
    await mkdir(join(here.root, "unpacked/usr/lib/x86_64-linux-gnu"), { recursive: true });
    const baseDirectory = join(here.root, "unpacked", "usr");
    expect(await findServer(here.places([]))).toMatchObject({
      program,
      unpacked: { baseDirectory, libraryPath: join(baseDirectory, "lib", "x86_64-linux-gnu") },
    });
    const installed = await putMaria(here, "usual");
    expect(await findServer(here.places([]))).toMatchObject({ program: installed, unpacked: null });
  });

  test("a server that is too old, incomplete or broken is passed over", async () => {
    const here = await machine();
    await putMaria(here, "old", maria.replace("10.11.19", "10.5.29"));
    await here.put("old/mysqld", mysql.replace("9.7.4", "5.7.44"));
    await here.put("broken/mariadbd", "Segmentation fault");
    await mkdir(join(here.root, "folder", "mariadbd"), { recursive: true });
    expect(await findServer(here.places(["old", "broken", "folder"]))).toBeNull();
  });

  test("a chosen program that is no server is an error that names it", async () => {
    const here = await machine();
    const editor = await here.put("a/editor", "editor 1.0");
    await expect(findServer(here.places([], editor))).rejects.toThrow(`${editor} is no complete MariaDB`);
  });
});

describe("installing a server", () => {
  test("without apt the error says what to install on each system", async () => {
    const here = await machine();
    const said: string[] = [];
    const attempt = ensureServer({
      places: here.places([]),
      userId: 1000,
      say: (line) => said.push(line),
    });
    await expect(attempt).rejects.toThrow(/mariadb-server-core[\s\S]*dnf install[\s\S]*brew install mariadb/);
    expect(said).toEqual([]);
  });

  test("what is there is used and nothing is installed", async () => {
    const here = await machine();
    const program = await putMaria(here, "a");
    const said: string[] = [];
    const options = { places: here.places(["a"]), userId: 1000, say: (line: string) => said.push(line) };
    expect(await ensureServer(options)).toMatchObject({ program });
    expect(said).toEqual([]);
  });

  test("an apt that fails is quoted", async () => {
    const here = await machine();
    for (const name of ["apt-get", "dpkg-deb"]) {
      const file = await here.put(`bin/${name}`);
      const reply = 'case "$*" in --version) exit 0;; esac\necho "E: the mirror is away" >&2\nexit 100\n';
      await writeFile(file, `#!/bin/sh\n${reply}`);
    }
    for (const userId of [0, 1000]) {
      const options = { places: here.places(["bin"]), userId, say: () => undefined };
      await expect(ensureServer(options)).rejects.toThrow("E: the mirror is away");
    }
  });
});
