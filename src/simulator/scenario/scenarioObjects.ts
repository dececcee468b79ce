/** The lines of a scenario: hosts, VMs, storage, networks. Pure. */
import { type WakeKind, wakeKinds } from "../behaviour/machine.ts";
import { usualBootMs } from "../behaviour/machines.ts";
import { constant } from "../metrics/load.ts";
import { idleHost, idleVm, threadStates, usualMhz } from "../metrics/model.ts";
import { roles } from "../objects/roles.ts";
import type { HostSpec, StorageSpec, UserSpec, VmKind, VmSpec } from "./scenarioSpecs.ts";
import { LineProblem, readDuration, type SettingsReader } from "./scenarioText.ts";

/** CPU features that a host has where the scenario says nothing. */
export const commonFeatures = "0098e3fd-bfebfbff-00000001-28100800";

const anyAmount = { min: 0, max: 1e9, whole: false };

export function readHost(reader: SettingsReader, bandwidthMbit: number): HostSpec {
  const off = reader.flag("off");
  return {
    name: reader.name(),
    uuid: reader.uuid("uuid"),
    address: reader.text("address"),
    cpus: reader.number("cpus", 8, { min: 1, max: 1024 }),
    mhz: reader.number("mhz", usualMhz, { min: 100, max: 10_000 }),
    memoryMib: reader.number("memory", 16_384, { min: 256, max: 16_777_216 }),
    overheadMib: reader.number("overhead", 185, { min: 0, max: 1_048_576 }),
    controlDomainMib: reader.number("dom0", 1024, { min: 16, max: 1_048_576 }),
    controlDomainUuid: reader.uuid("dom0-uuid"),
    master: reader.flag("master"),
    // Whoever switched it off had it disabled before.
    enabled: !reader.flag("disabled") && !off,
    vendor: reader.text("cpu-vendor") ?? "GenuineIntel",
    features: reader.text("cpu-features") ?? commonFeatures,
    ...readPowering(reader),
    off,
    tags: reader.list("tags"),
    load: {
      controlDomainCpus: reader.profile("base-cpu", 0.05, "share"),
      loadAverage: reader.profile("loadavg", 0, "amount"),
      rxKib: reader.profile("rx", 0, "amount"),
      txKib: reader.profile("tx", 0, "amount"),
      loRxKib: reader.profile("lo-rx", 0, "amount"),
      loTxKib: reader.profile("lo-tx", 0, "amount"),
      xapiUsedMib: reader.number("xapi-memory", idleHost.xapiUsedMib, anyAmount),
      xapiFreeMib: reader.number("xapi-free", idleHost.xapiFreeMib, anyAmount),
      bandwidthMbit: reader.number("bandwidth", bandwidthMbit, { min: 0.1, max: 400_000, whole: false }),
      threads: reader.choice("smt", threadStates, "on"),
    },
  };
}

/** `power-on=IPMI boot=3m wake=wrong-password pending-guidance` */
export function readPowering(
  reader: SettingsReader,
): Pick<HostSpec, "powerOn" | "bootMs" | "wake" | "pendingGuidance"> {
  const powerOn = reader.text("power-on") ?? "";
  const boot = reader.text("boot");
  const wake: WakeKind = reader.choice("wake", wakeKinds, "works");
  if (wake !== "works" && powerOn === "") throw new LineProblem(`wake=${wake} needs power-on=MODE`);
  if (powerOn === "wake-on-lan" && (wake === "wrong-password" || wake === "no-script"))
    throw new LineProblem(`wake=${wake}: wake-on-lan knows neither passwords nor scripts`);
  const bootMs = boot === null ? usualBootMs : readDuration(boot);
  return { powerOn, bootMs, wake, pendingGuidance: reader.flag("pending-guidance") };
}

const powers = ["running", "paused", "halted", "suspended"] as const;

export function readVm(reader: SettingsReader, kind: VmKind): VmSpec {
  const on = reader.text("on");
  const power = readPower(reader, kind, on);
  const memoryMib = reader.number("memory", 1024, { min: 16, max: 16_777_216 });
  const minMib = reader.number("min", memoryMib, { min: 16, max: memoryMib });
  const platform: Record<string, string> = {};
  if (reader.flag("nomigrate")) platform["nomigrate"] = "true";
  if (reader.flag("nested-virt")) platform["nested-virt"] = "true";
  const snapshotOf = kind === "snapshot" ? reader.text("of") : null;
  if (kind === "snapshot" && snapshotOf === null) throw new LineProblem("a snapshot needs of=VM");
  const disk = reader.text("disk");
  const network = reader.text("network");
  return {
    kind,
    name: reader.name(),
    uuid: reader.uuid("uuid"),
    snapshotOf,
    on: power === "Running" || power === "Paused" ? on : null,
    power,
    vcpus: reader.number("vcpus", 1, { min: 1, max: 1024 }),
    memoryMib,
    minMib,
    mode: reader.choice("mode", ["hvm", "pvh", "pv"], "hvm"),
    tools: reader.flag("tools"),
    disks: disk === null ? [] : disk.split("+"),
    networks: network === null ? [] : network.split(/[+,]/),
    tags: reader.list("tags"),
    groups: reader.list("group"),
    home: reader.text("home"),
    blocked: reader.text("blocked"),
    haPriority: reader.text("ha") ?? "",
    platform,
    passesPci: reader.flag("pci"),
    address: reader.text("ip"),
    fullSize: reader.flag("full-size"),
    load: {
      cpu: reader.profile("cpu", 0.05, "share"),
      ...readTraffic(reader),
      freeMib: reader.profile("free", memoryMib / 2, "amount"),
    },
  };
}

/** `rx=5000,100 tx=40,5`: of the first interface, the second ... */
function readTraffic(reader: SettingsReader): Pick<VmSpec["load"], "rxKib" | "txKib" | "others"> {
  const [rx, tx] = [reader.profiles("rx", "amount"), reader.profiles("tx", "amount")];
  const [first, ...others] = Array.from({ length: Math.max(1, rx.length, tx.length) }, (_, device) => ({
    rxKib: rx[device] ?? constant(0),
    txKib: tx[device] ?? constant(0),
  }));
  const { rxKib, txKib } = first ?? idleVm;
  return { rxKib, txKib, ...(others.length === 0 ? {} : { others }) };
}

function readPower(reader: SettingsReader, kind: VmKind, on: string | null): VmSpec["power"] {
  const given = powers.filter((power) => reader.flag(power));
  if (given.length > 1) throw new LineProblem(`a VM is either ${given.join(" or ")}`);
  const power = given[0] ?? (kind === "vm" && on !== null ? "running" : "halted");
  const active = power === "running" || power === "paused";
  if (active && on === null) throw new LineProblem(`a VM that is ${power} needs on=HOST`);
  if (active && kind !== "vm") throw new LineProblem(`a ${kind} does not run`);
  return `${power.charAt(0).toUpperCase()}${power.slice(1)}` as VmSpec["power"];
}

export function readStorage(reader: SettingsReader): StorageSpec {
  const hosts = reader.text("hosts");
  const local = reader.text("on");
  return {
    name: reader.name(),
    uuid: reader.uuid("uuid"),
    type: reader.text("type") ?? (local === null ? "nfs" : "ext"),
    shared: local === null,
    hosts: local !== null ? [local] : hosts === null ? null : hosts.split(","),
  };
}

/** `user collect password=secret role=read-only` */
export function readUser(reader: SettingsReader): UserSpec {
  const name = reader.name();
  const password = reader.text("password");
  if (password === null) throw new LineProblem(`user ${name} needs password=TEXT`);
  return { name, password, role: reader.choice("role", roles, "pool-admin") };
}
