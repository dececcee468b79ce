/** A pool that lives while it is collected: VMs come, go, start, stop and move; hosts join, leave, crash and come back. */

import type { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { guestsOf } from "./picture.ts";

const mib = 1024 * 1024;

type Row = { readonly cls: string; readonly ref: string; readonly fields: Record<string, unknown> };

/** Makes one change after another; each says what it did. */
export class ChangingPool {
  readonly #pool: SimulatedPool;
  readonly #random: () => number;
  /** Hosts that left, with all that belongs to them, to join again. */
  readonly #away: Row[][] = [];
  #born = 0;

  constructor(pool: SimulatedPool, random: () => number) {
    this.#pool = pool;
    this.#random = random;
  }

  /** Refs of the hosts that have crashed and that the pool still knows. */
  crashed(): string[] {
    return this.#hosts().filter((host) => this.#pool.model.crashed.has(host));
  }

  /** Refs of the hosts whose measures nobody can read now. */
  silent(): string[] {
    return this.#hosts().filter((host) => this.#pool.hostCondition(host) === "gone");
  }

  /** One change. */
  step(): string {
    const kinds = [this.#birth, this.#death, this.#start, this.#halt, this.#move, this.#rename];
    const rare = [this.#crash, this.#recover, this.#leave, this.#join, this.#toggle];
    const choices = this.#random() < 0.25 ? rare : kinds;
    return this.#pick(choices)?.call(this) ?? "nothing";
  }

  #pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.#random() * list.length)];
  }

  #hosts(): readonly string[] {
    return this.#pool.db.all("host");
  }

  #guests(power: string): string[] {
    return guestsOf(this.#pool).filter((vm) => this.#pool.db.text("VM", vm, "power_state") === power);
  }

  #serving(): string[] {
    return this.#hosts().filter((host) => !this.#pool.model.crashed.has(host));
  }

  #birth(): string {
    const { db } = this.#pool;
    this.#born += 1;
    const memory = 128 * mib;
    db.create("VM", {
      name_label: `born ${this.#born}`,
      power_state: "Halted",
      metrics: db.create("VM_metrics", {}),
      memory_static_max: memory,
      memory_dynamic_max: memory,
      memory_dynamic_min: memory,
      memory_target: memory,
      VCPUs_max: 1,
      VCPUs_at_startup: 1,
    });
    return `VM ${this.#born} was made`;
  }

  #death(): string {
    const guests = guestsOf(this.#pool);
    const vm = guests.length > 5 ? this.#pick(guests) : undefined;
    return vm === undefined ? "nobody died" : this.#command("destroy", vm);
  }

  #start(): string {
    const vm = this.#pick(this.#guests("Halted"));
    const host = this.#pick(this.#serving());
    if (vm === undefined || host === undefined) return "nothing to start";
    return this.#command("start", vm, ` on=${this.#pool.db.text("host", host, "uuid")}`);
  }

  #halt(): string {
    const vm = this.#pick(this.#guests("Running"));
    return vm === undefined ? "nothing to halt" : this.#command("halt", vm);
  }

  #move(): string {
    const vm = this.#pick(this.#guests("Running"));
    const host = this.#pick(this.#serving());
    if (vm === undefined || host === undefined) return "nothing to move";
    this.#pool.db.set("VM", vm, "resident_on", host);
    return "a VM moved";
  }

  #rename(): string {
    const vm = this.#pick(guestsOf(this.#pool));
    if (vm !== undefined) this.#pool.db.set("VM", vm, "name_label", `name ${this.#random()}`);
    return "a VM was renamed";
  }

  #toggle(): string {
    const host = this.#pick(this.#hosts());
    if (host === undefined) return "no host";
    const { db } = this.#pool;
    db.set("host", host, "enabled", db.get("host", host, "enabled") !== true);
    return "a host changed between maintenance and work";
  }

  #crash(): string {
    const host = this.#pick(this.#serving().filter((ref) => ref !== this.#pool.masterRef));
    if (host === undefined || this.crashed().length > 1) return "no host crashed";
    return runCommand(this.#pool, `crash ${this.#pool.db.text("host", host, "uuid")}`);
  }

  #recover(): string {
    const host = this.#pick(this.crashed());
    if (host === undefined) return "no host recovered";
    return runCommand(this.#pool, `recover ${this.#pool.db.text("host", host, "uuid")}`);
  }

  /** A host and all that stands and falls with it is taken out of the pool; its guests are gone with it. */
  #leave(): string {
    const { db } = this.#pool;
    const host = this.#pick(this.#serving().filter((ref) => ref !== this.#pool.masterRef));
    if (host === undefined || this.#hosts().length < 3) return "no host left";
    const uuidOfHost = db.text("host", host, "uuid");
    const residents = db.all("VM").filter((vm) => db.text("VM", vm, "resident_on") === host);
    const controls = residents.filter((vm) => db.get("VM", vm, "is_control_domain") === true);
    for (const vm of residents) if (!controls.includes(vm)) this.#command("destroy", vm);
    const rows: Row[] = [];
    const take = (cls: string, ref: string) => {
      if (!db.has(cls, ref)) return;
      rows.unshift({ cls, ref, fields: { ...db.record(cls, ref) } });
      db.destroy(cls, ref);
    };
    for (const field of ["PBDs", "PIFs", "host_CPUs"] as const) {
      const cls = { PBDs: "PBD", PIFs: "PIF", host_CPUs: "host_cpu" }[field];
      for (const ref of db.list("host", host, field)) take(cls, ref);
    }
    for (const vm of controls) {
      const metrics = db.text("VM", vm, "metrics");
      take("VM", vm);
      take("VM_metrics", metrics);
    }
    const metrics = db.text("host", host, "metrics");
    take("host", host);
    take("host_metrics", metrics);
    this.#away.push(rows);
    return `host ${uuidOfHost} left`;
  }

  #join(): string {
    const rows = this.#away.shift();
    const { db } = this.#pool;
    for (const { cls, ref, fields } of rows ?? []) {
      db.create(cls, fields as Parameters<typeof db.create>[1], ref);
    }
    return rows === undefined ? "no host joined" : "a host joined";
  }

  #command(name: string, vm: string, rest = ""): string {
    return runCommand(this.#pool, `${name} ${this.#pool.db.text("VM", vm, "uuid")}${rest}`);
  }
}

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
