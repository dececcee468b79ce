/** Pools of any size from one line: hosts alike, VMs of mixed sizes, unevenly spread. Pure; the same seed gives the same pool. */
import { createRandom } from "../behaviour/chance.ts";
import type { Profile } from "../metrics/load.ts";
import { idleHost, usualMhz } from "../metrics/model.ts";
import { commonFeatures, readPowering } from "./scenarioObjects.ts";
import type { HostSpec, VmSpec } from "./scenarioSpecs.ts";
import { LineProblem, type SettingsReader } from "./scenarioText.ts";

const memorySizesMib = [512, 1024, 1024, 2048, 2048, 4096, 8192];
const vcpuCounts = [1, 1, 2, 2, 2, 4];
const controlDomainMib = 2048;

/** `generate hosts=16 vms=400 seed=7 [cpus=16] [memory=MIB] [power-on=MODE] [full-size]`; memory that is left out suffices for the VMs with room to move them. */
export function generatePool(
  reader: SettingsReader,
  bandwidthMbit: number,
): { hosts: HostSpec[]; vms: VmSpec[] } {
  const count = reader.number("hosts", 4, { min: 1, max: 256 });
  const vmCount = reader.number("vms", 20, { min: 0, max: 20_000 });
  const random = createRandom(reader.number("seed", 1, { min: 0, max: 2 ** 31 }));
  const cpus = reader.number("cpus", 16, { min: 1, max: 1024 });
  const sizes = Array.from({ length: vmCount }, () => ({
    memoryMib: pick(memorySizesMib, random()),
    vcpus: Math.min(cpus, pick(vcpuCounts, random())),
  }));
  const wantedMib = sizes.reduce((sum, size) => sum + reservedMib(size.memoryMib, size.vcpus), 0);
  const enoughMib = Math.ceil((wantedMib * 1.5) / count / 1024) * 1024 + 16_384;
  const fullSize = reader.flag("full-size");
  const memoryMib = reader.number("memory", enoughMib, { min: 4096, max: 16_777_216 });
  const powering = readPowering(reader);
  const hosts = Array.from({ length: count }, (_, index) =>
    host(index, { cpus, memoryMib, bandwidthMbit, master: index === 0, powering }),
  );
  return { hosts, vms: placeVms(hosts, sizes, random).map((spec) => ({ ...spec, fullSize })) };
}

function placeVms(
  hosts: readonly HostSpec[],
  sizes: readonly { memoryMib: number; vcpus: number }[],
  random: () => number,
): VmSpec[] {
  const free = hosts.map((each) => each.memoryMib - each.overheadMib - each.controlDomainMib - 64);
  // Some hosts are liked better than others, so that there is something to balance.
  const liking = hosts.map(() => 0.2 + random());
  return sizes.map((size, index) => {
    const needed = reservedMib(size.memoryMib, size.vcpus);
    const scores = hosts.map((_, at) => ((free[at] ?? 0) >= needed ? (liking[at] ?? 0) * random() : -1));
    const at = scores.indexOf(Math.max(...scores));
    if ((scores[at] ?? -1) < 0)
      throw new LineProblem(`VM ${index + 1} of ${sizes.length} fits on no host: more memory=`);
    free[at] = (free[at] ?? 0) - needed;
    return vm(index, size, hosts[at]?.name ?? "", random);
  });
}

/** Enough for a VM's memory and what Xen needs beside it. */
function reservedMib(memoryMib: number, vcpus: number): number {
  return memoryMib + 3 + Math.ceil((256 * vcpus + 2 * memoryMib) / 256);
}

function host(
  index: number,
  options: {
    cpus: number;
    memoryMib: number;
    bandwidthMbit: number;
    master: boolean;
    powering: ReturnType<typeof readPowering>;
  },
): HostSpec {
  return {
    name: `host-${String(index + 1).padStart(2, "0")}`,
    uuid: null,
    address: null,
    cpus: options.cpus,
    mhz: usualMhz,
    memoryMib: options.memoryMib,
    overheadMib: 185,
    controlDomainMib,
    controlDomainUuid: null,
    master: options.master,
    enabled: true,
    vendor: "GenuineIntel",
    features: commonFeatures,
    ...options.powering,
    off: false,
    tags: [],
    load: {
      ...idleHost,
      controlDomainCpus: { kind: "noise", mean: 0.25, amplitude: 0.1 },
      rxKib: { kind: "noise", mean: 20, amplitude: 10 },
      txKib: { kind: "noise", mean: 20, amplitude: 10 },
      bandwidthMbit: options.bandwidthMbit,
    },
  };
}

function vm(
  index: number,
  size: { memoryMib: number; vcpus: number },
  on: string,
  random: () => number,
): VmSpec {
  // Most guests idle and a few work hard.
  const mean = 0.02 + 0.9 * random() ** 3;
  const traffic = 400 * random() ** 4;
  const noisy = (value: number, part: number): Profile => ({
    kind: "noise",
    mean: value,
    amplitude: value * part,
  });
  return {
    kind: "vm",
    name: `vm-${String(index + 1).padStart(4, "0")}`,
    uuid: null,
    snapshotOf: null,
    on,
    power: "Running",
    vcpus: size.vcpus,
    memoryMib: size.memoryMib,
    minMib: size.memoryMib,
    mode: "hvm",
    tools: true,
    disks: [],
    networks: [],
    tags: [],
    blocked: null,
    haPriority: "",
    platform: {},
    passesPci: false,
    address: null,
    fullSize: false,
    load: {
      cpu: noisy(mean, 0.1),
      rxKib: noisy(traffic, 0.2),
      txKib: noisy(traffic * 0.6, 0.2),
      freeMib: noisy(size.memoryMib * (0.2 + 0.5 * random()), 0.05),
    },
  };
}

function pick<T>(choices: readonly T[], unit: number): T {
  return choices[Math.floor(unit * choices.length)] as T;
}
