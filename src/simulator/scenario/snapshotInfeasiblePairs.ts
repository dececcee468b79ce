/**
 * Finds storage, networks and CPUs that would make a pool say the infeasible pairs of a snapshot. Pure. What an infeasible pair's reason does
 * not tell is made up; a reason that is not known becomes storage of that name.
 */
import type { InfeasiblePair, Snapshot, Uuid } from "../../domain/pool.ts";
import { commonFeatures } from "./scenarioObjects.ts";

/** Storage or a network that some hosts lack. */
export interface InfeasiblePlace {
  readonly key: string;
  readonly name: string;
  readonly lacking: ReadonlySet<Uuid>;
}

/** What infeasible pairs a VM from hosts. */
export interface VmNeeds {
  readonly disks: { readonly place: InfeasiblePlace; readonly name: string }[];
  readonly networks: InfeasiblePlace[];
  vendor: string | null;
  features: string;
  hardwarePlatform: number | null;
  /** vCPUs at most, where that is more than some host has CPUs. */
  vcpusMax: number | null;
}

/** What a host is, for the infeasible pairs to follow from it. */
export interface HostCpu {
  readonly vendor: string;
  readonly features: string;
  /** Hardware platforms that it lacks. */
  readonly lackingPlatforms: ReadonlySet<number>;
}

export interface InfeasibilityCauses {
  readonly storage: readonly InfeasiblePlace[];
  readonly networks: readonly InfeasiblePlace[];
  readonly needs: ReadonlyMap<Uuid, VmNeeds>;
  readonly cpus: ReadonlyMap<Uuid, HostCpu>;
}

const diskReason = /^VM_REQUIRES_SR \(disk "(.*)" is on storage "(.*)", which the host does not have\)$/s;
const networkReason = /^(?:VM_REQUIRES_NETWORK|HOST_CANNOT_ATTACH_NETWORK) \([^"]*"(.*)" is /s;
const vendorReason = /^VM_INCOMPATIBLE_WITH_THIS_HOST \(booted on (.*), the host is (.*)\)$/s;
const featureReason = /^VM_INCOMPATIBLE_WITH_THIS_HOST \(it uses/;
const platformReason = /^VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION \((\d+)\)$/;
const processorReason = /^HOST_NOT_ENOUGH_PCPUS \((\d+) vCPUs/;

/** The causes of all infeasible pairs of the snapshot. */
export function findCauses({
  infeasiblePairs,
  hosts,
}: Pick<Snapshot, "infeasiblePairs" | "hosts">): InfeasibilityCauses {
  const finder = new CauseFinder(hosts.map(({ uuid }) => uuid));
  for (const [vm, ofVm] of grouped(infeasiblePairs, ({ vmUuid }) => vmUuid)) finder.take(vm, ofVm);
  return finder.causes();
}

class CauseFinder {
  readonly #hosts: readonly Uuid[];
  readonly #storage = new Map<string, InfeasiblePlace>();
  readonly #networks = new Map<string, InfeasiblePlace>();
  readonly #needs = new Map<Uuid, VmNeeds>();
  readonly #vendors = new Map<Uuid, string>();
  readonly #lackingPlatforms = new Map<Uuid, Set<number>>();
  /** The bit of features that a host alone lacks. */
  readonly #featureBits = new Map<Uuid, number>();
  readonly #featuresAt = new Map<Uuid, Uuid[]>();

  constructor(hosts: readonly Uuid[]) {
    this.#hosts = hosts;
  }

  take(vm: Uuid, infeasiblePairs: readonly InfeasiblePair[]): void {
    const needs: VmNeeds = {
      disks: [],
      networks: [],
      vendor: null,
      features: commonFeatures,
      hardwarePlatform: null,
      vcpusMax: null,
    };
    this.#needs.set(vm, needs);
    for (const [reason, same] of grouped(infeasiblePairs, (infeasiblePair) => infeasiblePair.reason)) {
      const hosts = same.map(({ hostUuid }) => hostUuid);
      if (!this.#takeCpu(vm, needs, reason, hosts)) this.#takePlace(needs, reason, hosts);
    }
    if (needs.vendor !== null) this.#spreadVendor(needs.vendor, infeasiblePairs);
  }

  #takePlace(needs: VmNeeds, reason: string, hosts: readonly Uuid[]): void {
    const network = networkReason.exec(reason);
    if (network !== null) {
      needs.networks.push(place(this.#networks, network[1] ?? "", hosts));
      return;
    }
    const [, disk = "disk", storage = reason] = diskReason.exec(reason) ?? [];
    needs.disks.push({ place: place(this.#storage, storage, hosts), name: disk });
  }

  /** Whether the reason is one of the host's CPUs or platform. */
  #takeCpu(vm: Uuid, needs: VmNeeds, reason: string, hosts: readonly Uuid[]): boolean {
    const vendor = vendorReason.exec(reason);
    const platform = platformReason.exec(reason);
    const processors = processorReason.exec(reason);
    if (vendor !== null) {
      needs.vendor = vendor[1] ?? "";
      for (const host of hosts) this.#vendors.set(host, vendor[2] ?? "");
    } else if (featureReason.test(reason)) {
      for (const host of hosts)
        this.#featureBits.set(host, this.#featureBits.get(host) ?? this.#featureBits.size);
      this.#featuresAt.set(vm, [...hosts]);
    } else if (platform !== null) {
      const version = Number(platform[1]);
      needs.hardwarePlatform = version;
      for (const host of hosts) {
        this.#lackingPlatforms.set(host, (this.#lackingPlatforms.get(host) ?? new Set()).add(version));
      }
    } else if (processors !== null) needs.vcpusMax = Number(processors[1]);
    else return false;
    return true;
  }

  /** A host that does not infeasible pair the VM by its vendor has the VM's. */
  #spreadVendor(vendor: string, infeasiblePairs: readonly InfeasiblePair[]): void {
    const other = new Set(
      infeasiblePairs.filter(({ reason }) => vendorReason.test(reason)).map(({ hostUuid }) => hostUuid),
    );
    for (const host of this.#hosts)
      if (!other.has(host) && !this.#vendors.has(host)) this.#vendors.set(host, vendor);
  }

  causes(): InfeasibilityCauses {
    const words = Math.ceil(this.#featureBits.size / 32);
    const features = (has: (bit: number) => boolean) =>
      [
        commonFeatures,
        ...Array.from({ length: words }, (_, word) => featureWord(word, this.#featureBits.size, has)),
      ].join("-");
    for (const [vm, needs] of this.#needs) {
      const bits = new Set(this.#featuresAt.get(vm)?.map((host) => this.#featureBits.get(host)));
      needs.features = features((bit) => bits.has(bit));
    }
    return {
      storage: [...this.#storage.values()],
      networks: [...this.#networks.values()],
      needs: this.#needs,
      cpus: new Map(
        this.#hosts.map((host) => [
          host,
          {
            vendor: this.#vendors.get(host) ?? "GenuineIntel",
            features: features((bit) => bit !== this.#featureBits.get(host)),
            lackingPlatforms: this.#lackingPlatforms.get(host) ?? new Set(),
          },
        ]),
      ),
    };
  }
}

function featureWord(word: number, bits: number, has: (bit: number) => boolean): string {
  let value = 0;
  for (let bit = word * 32; bit < Math.min(bits, (word + 1) * 32); bit++)
    if (has(bit)) value += 2 ** (bit % 32);
  return value.toString(16).padStart(8, "0");
}

/** The place of that name which exactly these hosts lack; storage of one name may well be several. */
function place(places: Map<string, InfeasiblePlace>, name: string, hosts: readonly Uuid[]): InfeasiblePlace {
  const key = JSON.stringify([name, ...hosts.toSorted()]);
  const known = places.get(key) ?? { key, name, lacking: new Set(hosts) };
  places.set(key, known);
  return known;
}

function grouped<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
