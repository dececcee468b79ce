/** What VMs ask of their hosts over time, and how a host shares its CPUs among them. Pure. */
import { maxMinShares } from "../../domain/fairShare.ts";
import { unitOf } from "../behaviour/chance.ts";

/** A quantity over the pool's time: a share of a vCPU, a rate, an amount of memory. */
export type Profile =
  | { readonly kind: "constant"; readonly value: number }
  /** From one value to another, starting `startMs` after the pool began. */
  | {
      readonly kind: "ramp";
      readonly from: number;
      readonly to: number;
      readonly startMs: number;
      readonly durationMs: number;
    }
  /** `peak` for `durationMs`, else `base`; again every `everyMs` where that is not null. */
  | {
      readonly kind: "spike";
      readonly base: number;
      readonly peak: number;
      readonly startMs: number;
      readonly durationMs: number;
      readonly everyMs: number | null;
    }
  /** Within `amplitude` of the mean, another value in every slot of 5 seconds. */
  | { readonly kind: "noise"; readonly mean: number; readonly amplitude: number };

/** Length of a measuring slot. */
export const slotMs = 5000;

export function constant(value: number): Profile {
  return { kind: "constant", value };
}

/** The profile's value `elapsedMs` after the pool began; never below 0. `seed` tells noisy profiles apart. */
export function valueAt(profile: Profile, elapsedMs: number, seed: string): number {
  return Math.max(0, rawValueAt(profile, elapsedMs, seed));
}

function rawValueAt(profile: Profile, elapsedMs: number, seed: string): number {
  switch (profile.kind) {
    case "constant":
      return profile.value;
    case "ramp": {
      const share = (elapsedMs - profile.startMs) / Math.max(1, profile.durationMs);
      return profile.from + (profile.to - profile.from) * Math.min(1, Math.max(0, share));
    }
    case "spike": {
      const sinceMs = elapsedMs - profile.startMs;
      const phaseMs = profile.everyMs === null ? sinceMs : sinceMs % profile.everyMs;
      return sinceMs >= 0 && phaseMs < profile.durationMs ? profile.peak : profile.base;
    }
    case "noise":
      return profile.mean + profile.amplitude * (2 * unitOf(seed, Math.floor(elapsedMs / slotMs)) - 1);
    default:
      return profile satisfies never;
  }
}

/** What a VM asks of its host's CPUs. */
export interface CpuDemand {
  readonly vcpus: number;
  /** Share of each vCPU that the guest would use, 0 to 1. */
  readonly fraction: number;
}

/** What a host's CPUs do, in whole CPUs (1 = one CPU fully busy). */
export interface CpuShares {
  readonly busy: number;
  readonly controlDomain: number;
  /** In the order of the demands. */
  readonly vms: readonly number[];
}

/** Shares `cpus` CPUs: the control domain first, and where the rest does not suffice the VMs get max-min fair shares of it. */
export function shareCpus(cpus: number, controlDomainCpus: number, demands: readonly CpuDemand[]): CpuShares {
  const controlDomain = Math.min(cpus, controlDomainCpus);
  const wanted = demands.map((demand) => Math.min(cpus, demand.vcpus * Math.min(1, demand.fraction)));
  const vms = maxMinShares(cpus - controlDomain, wanted);
  return { busy: controlDomain + vms.reduce((sum, cpu) => sum + cpu, 0), controlDomain, vms };
}

/** Splits a mean share over `count` CPUs: each within 0 and 1, their mean the given one, not all alike. */
export function spreadOverCpus(mean: number, count: number, seed: string): number[] {
  const room = Math.min(mean, 1 - mean) * 0.25;
  return Array.from({ length: count }, (_, index) => {
    const pair = index - (index % 2);
    // The last of an odd number of CPUs has no partner to make up for its difference.
    if (pair + 1 >= count) return mean;
    const difference = room * unitOf(seed, pair);
    return index === pair ? mean + difference : mean - difference;
  });
}

/** What goes through one interface of a VM: KiB/s, from the guest's view. */
export interface Traffic {
  readonly rxKib: Profile;
  readonly txKib: Profile;
}

/** What a VM asks for while it runs; its own traffic is that of its first interface. */
export interface VmLoad extends Traffic {
  /** Share of each vCPU, 0 to 1. */
  readonly cpu: Profile;
  /** Its further interfaces: devices 1, 2 ... */
  readonly others?: readonly Traffic[];
  /** MiB that the guest reports as free, where it has tools. */
  readonly freeMib: Profile;
}
