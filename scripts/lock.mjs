// One at a time: a lock folder that names its owner, so that a dead owner's lock is recognised.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** When the process `pid` started, as a text to compare; null when it does not run. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? null : fields[19];
  } catch {
    if (process.platform === "linux") return null;
  }
  try {
    const options = { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], options).trim() || null;
  } catch {
    return null;
  }
}

function readOwner(folder) {
  try {
    return readFileSync(join(folder, "owner"), "utf8");
  } catch {
    return null;
  }
}

function isDead(owner) {
  const [pid, start] = owner.split("\n");
  return startOf(Number(pid)) !== start;
}

/** Takes the lock, or returns false when a living process holds it. */
function tryLock(folder) {
  const own = `${folder}.${process.pid}`;
  rmSync(own, { recursive: true, force: true });
  mkdirSync(own);
  writeFileSync(join(own, "owner"), `${process.pid}\n${startOf(process.pid)}`);
  try {
    // A folder that holds a file is never replaced: exactly one rename succeeds.
    renameSync(own, folder);
    return true;
  } catch {
    rmSync(own, { recursive: true, force: true });
  }
  const owner = readOwner(folder);
  if (owner === null || !isDead(owner)) return false;
  const stale = `${folder}.stale.${process.pid}`;
  try {
    renameSync(folder, stale);
    // Between our look and the rename another may have replaced the dead owner: give it back.
    if (readOwner(stale) !== owner) renameSync(stale, folder);
    rmSync(stale, { recursive: true, force: true });
  } catch {
    // Another was quicker; the next try sees what came of it.
  }
  return tryLock(folder);
}

/** Does `work` while no other process does it; `waiting` is called once when it has to wait. */
export async function withLock(folder, work, waiting) {
  mkdirSync(dirname(folder), { recursive: true });
  let said = false;
  while (!tryLock(folder)) {
    if (!said) waiting(readOwner(folder)?.split("\n")[0] ?? "?");
    said = true;
    await new Promise((done) => setTimeout(done, 200));
  }
  const release = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.removeListener("exit", release);
    release();
  }
}
