/** A folder that one living process owns: who made it, who holds it, and how a dead owner is replaced. */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startOf } from "./processes.ts";

const ownerFile = "owner";

/** The folder inside `directory` that marks it as ours and names its owner. */
function claimOf(directory: string): string {
  return join(directory, "xcp-balance.claim");
}

async function readOwner(claim: string): Promise<string | null> {
  return readFile(join(claim, ownerFile), "utf8").catch(() => null);
}

function pidIn(owner: string): number {
  return Number(owner.split("\n")[0]);
}

function isDead(owner: string): boolean {
  return startOf(pidIn(owner)) !== owner.split("\n")[1];
}

/** Whether the folder was claimed once, by a process that is dead now or by a living one. */
export type ClaimState = { readonly kind: "none" | "dead" } | { readonly kind: "held"; readonly pid: number };

export async function claimState(directory: string): Promise<ClaimState> {
  const owner = await readOwner(claimOf(directory));
  if (owner === null) return { kind: "none" };
  return isDead(owner) ? { kind: "dead" } : { kind: "held", pid: pidIn(owner) };
}

/** Makes this process the owner of `directory`, which must exist. Returns null, or the living owner's pid. */
export async function claim(directory: string): Promise<number | null> {
  const target = claimOf(directory);
  const own = `${target}.${process.pid}`;
  for (;;) {
    await rm(own, { recursive: true, force: true });
    await mkdir(own);
    await writeFile(join(own, ownerFile), `${process.pid}\n${startOf(process.pid)}`);
    // A folder that holds a file is never replaced by a rename: exactly one of several succeeds.
    const taken = await rename(own, target).then(
      () => true,
      () => false,
    );
    if (taken) return null;
    await rm(own, { recursive: true, force: true });
    const owner = await readOwner(target);
    if (owner !== null && !isDead(owner)) return pidIn(owner);
    await removeDead(target, owner);
  }
}

async function removeDead(target: string, owner: string | null): Promise<void> {
  const stale = `${target}.stale.${process.pid}`;
  await rename(target, stale).catch(() => undefined);
  // Between our look and the rename another may have replaced the dead owner: give it back.
  if ((await readOwner(stale)) !== owner) await rename(stale, target).catch(() => undefined);
  await rm(stale, { recursive: true, force: true });
}

/** Gives the folder up; the mark that it is ours stays, with an owner that is dead. */
export async function unclaim(directory: string): Promise<void> {
  await writeFile(join(claimOf(directory), ownerFile), "0\nnobody").catch(() => undefined);
}
