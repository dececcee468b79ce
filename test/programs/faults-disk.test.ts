/** F9: the disk under the database is full, really: a file system of its own, which the test fills. */
import { appendFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startWorld, type World } from "../support/world.ts";
import { ownMounts, startWrappedServer, type WrappedServer } from "../support/wrappedServer.ts";
import { rowsOf } from "./collectPool.ts";

const mounts = ownMounts();
if (mounts === null)
  console.info(
    "skipped: F9 needs mount namespaces (root, or unprivileged user namespaces), which are missing here",
  );

let server: WrappedServer | null = null;
let world: World;

beforeAll(async () => {
  if (mounts === null) return;
  // The server's data lie on 180 MB of memory that nobody but it and its children see, and that end with it.
  const asRoot = process.getuid?.() === 0 ? "" : " --user=root";
  server = await startWrappedServer(
    "disk",
    (program, folder) => `
for each in "$@"; do case "$each" in --datadir=*) data="\${each#--datadir=}";; esac; done
exec unshare ${mounts} sh -c 'small="${folder}/disk"; data="$1"; shift
  mkdir -p "$small" && mount -t tmpfs -o size=180m none "$small" && cp -a "$data/." "$small/" &&
  mount --bind "$small" "$data" && exec "${program}" "$@"${asRoot}' sh "$data" "$@"`,
  );
  if (server === null) {
    console.info("skipped: F9 needs a MariaDB server of the system");
    return;
  }
  const vms = Array.from({ length: 40 }, (_, n) => `vm vm${n} on=a vcpus=1 memory=64 tools`).join("\n");
  world = await startWorld({
    pool: {
      scenario: `pool "Full"\nhost a master cpus=8 memory=32768\nhost b cpus=8 memory=32768\n${vms}\n`,
    },
    databaseServer: server.address,
  });
}, 180_000);

afterAll(async () => {
  await world?.stop();
  await server?.stop();
});

it.skipIf(mounts === null)(
  "F9: no room left: the run names it, ends with 1 and leaves the old snapshot; with room the next one works",
  async ({ skip }) => {
    if (server === null) return skip();
    const filler = join(server.data, "filler");
    expect((await world.run("xcp-collect", ["-q"])).code).toBe(0);
    const tables = () =>
      Promise.all([
        rowsOf(world, "SELECT * FROM Host ORDER BY UUID"),
        rowsOf(world, "SELECT * FROM Vm ORDER BY UUID"),
        rowsOf(world, "SELECT VmUuid, Tags FROM VmDetail ORDER BY VmUuid"),
        rowsOf(world, "SELECT Id FROM Collection"),
      ]);
    const before = await tables();
    const { db } = world.pool;
    // More than what the server's files have room for by chance.
    for (const vm of db.all("VM")) db.set("VM", vm, "tags", ["x".repeat(60_000)]);
    try {
      expect(() => {
        for (;;) appendFileSync(filler, Buffer.alloc(64 * 1024));
      }).toThrow(/ENOSPC/);
      const full = await world.run("xcp-collect", [], { deadlineMs: 100_000 });
      expect(full).toMatchObject({ code: 1, stdout: "" });
      expect(full.stderr).toMatch(/no room left: .*free space/);
      expect(await tables()).toEqual(before);
      // Who only reads is not held up.
      expect((await world.run("xcp-manager", ["-e", "SHOW VMS"])).code).toBe(0);
    } finally {
      rmSync(filler, { force: true });
    }
    expect(await world.run("xcp-collect", ["-q"])).toMatchObject({ code: 0, stderr: "" });
    const [, , tags] = await tables();
    expect(JSON.stringify(tags)).toContain("x".repeat(60_000));
  },
  150_000,
);
