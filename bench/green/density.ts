/**
 * Xen Orchestra's density plan, restated from its published source: in input order, a host with free memory is emptied
 * where each of its VMs, largest memory first, fits the master or else the host with the least free memory under 90 % CPU
 * and over 1000 MB. Nothing in it switches a host on or relieves one.
 */
import type { Uuid } from "../../src/domain/pool.ts";
import type { Policy, World } from "../../test/support/power/world.ts";

const [criticalCpu, criticalFreeMb, highFreeMb] = [90, 1000, 1500];
const totalMb = 192 * 1024;
/** Migrations at once, over all. */
const atOnce = 2;

interface Figures {
  readonly uuid: Uuid;
  readonly isMaster: boolean;
  cpu: number;
  freeMb: number;
}

interface Booked {
  readonly vm: Uuid;
  readonly source: Uuid;
  readonly destination: Uuid;
}

export function density(): Policy {
  const history: ReadonlyMap<Uuid, { readonly cpu: number; readonly freeMb: number }>[] = [];
  let pass: { moves: Booked[]; emptied: Uuid[] } | null = null;
  const minute = (world: World) => {
    history.push(new Map(figuresNow(world).map(({ uuid, cpu, freeMb }) => [uuid, { cpu, freeMb }])));
    if (history.length > 30) history.shift();
    pass ??= plan(world, blended(world, history));
  };
  const tick = (world: World) => {
    if (pass !== null && !goOn(world, pass)) pass = null;
  };
  return { minute, tick };
}

function figuresNow(world: World): Figures[] {
  return world.machines
    .filter(({ power, enabled }) => power === "on" && enabled)
    .map((machine) => ({
      uuid: machine.uuid,
      isMaster: machine.isMaster,
      cpu: Math.min(100, world.demand(machine)),
      freeMb: totalMb - world.usedMb(machine),
    }));
}

/** Three quarters of the last minute and a quarter of the last 30. */
function blended(
  world: World,
  history: readonly ReadonlyMap<Uuid, { readonly cpu: number; readonly freeMb: number }>[],
): Figures[] {
  return figuresNow(world).map((now) => {
    const past = history.flatMap((each) => each.get(now.uuid) ?? []);
    const mean = (part: (each: { cpu: number; freeMb: number }) => number) =>
      past.reduce((sum, each) => sum + part(each), 0) / Math.max(1, past.length);
    return {
      ...now,
      cpu: 0.75 * now.cpu + 0.25 * mean(({ cpu }) => cpu),
      freeMb: 0.75 * now.freeMb + 0.25 * mean(({ freeMb }) => freeMb),
    };
  });
}

function plan(world: World, hosts: Figures[]): { moves: Booked[]; emptied: Uuid[] } | null {
  const now = new Map(figuresNow(world).map((each) => [each.uuid, each.freeMb]));
  const candidates = hosts.filter(
    ({ uuid, isMaster, freeMb }) => !isMaster && freeMb > highFreeMb && (now.get(uuid) ?? 0) > highFreeMb,
  );
  for (const host of candidates) {
    const moves = bookAll(world, host, hosts);
    // One host at a time keeps the fault out in which later hosts aim at one that was just shut down.
    if (moves !== null) return { moves, emptied: [host.uuid] };
  }
  return null;
}

/** Bookings of a failed try stay in the figures, as in the original. */
function bookAll(world: World, host: Figures, hosts: Figures[]): Booked[] | null {
  const guests = world.guests
    .filter((guest) => guest.host.uuid === host.uuid)
    .sort((a, b) => b.memoryMb - a.memoryMb);
  if (guests.some(({ to }) => to !== null)) return null;
  const moves: Booked[] = [];
  for (const { uuid, memoryMb, load, vcpus } of guests) {
    const cpu = (load * vcpus) / 32;
    const others = hosts.filter((each) => each !== host).sort((a, b) => a.freeMb - b.freeMb);
    const fits = (each: Figures) => each.cpu + cpu < criticalCpu && each.freeMb - memoryMb > criticalFreeMb;
    const to = others.find((each) => each.isMaster && fits(each)) ?? others.find(fits);
    if (to === undefined) return null;
    to.cpu += cpu;
    to.freeMb -= memoryMb;
    moves.push({ vm: uuid, source: host.uuid, destination: to.uuid });
  }
  return moves;
}

/** Two migrations at a time, then the hosts are shut down; false when the pass is over. */
function goOn(world: World, pass: { moves: Booked[]; emptied: Uuid[] }): boolean {
  while (pass.moves.length > 0 && world.guests.filter(({ to }) => to !== null).length < atOnce) {
    const next = pass.moves.shift();
    if (next !== undefined && !world.migrate(next.vm, next.destination)) return false;
  }
  if (pass.moves.length > 0 || world.guests.some(({ to }) => to !== null)) return true;
  for (const host of pass.emptied) {
    if (!world.guests.some((guest) => guest.host.uuid === host)) world.shutDown(host);
  }
  return false;
}
