/**
 * What an administrator has configured in XenCenter for a pool whose Workload Balancing server is xcp-wlb, as the
 * settings and rules that it stands for. It acts while the pool is connected, paused or not. Pure.
 */
import type { ControlState, Exclusion } from "../domain/controlState.ts";
import { asUuid, type PoolFacts, type Uuid } from "../domain/pool.ts";
import { type ChainRule, chainOf, type GreenRule, noOptions, type Rule, type Term } from "../domain/rule.ts";
import {
  configuredFlag,
  configuredNumber,
  hostsWith,
  isConnectedWlb,
  type NumberKey,
  type WlbBinding,
} from "../domain/workloadBalancing.ts";
import type { ControlSettings } from "../settings/types.ts";

/** The binding where it is of this pool and the pool is still connected; null otherwise. */
export function connectedWlb(
  pool: PoolFacts | null,
  { wlb = null }: Pick<ControlState, "wlb">,
): WlbBinding | null {
  return pool !== null && isConnectedWlb(pool, wlb) ? wlb : null;
}

/** The settings with what was configured in their place. */
export function withConfiguration(settings: ControlSettings, wlb: WlbBinding | null): ControlSettings {
  if (wlb === null) return settings;
  const minutes = whole(configuredNumber(wlb, "RecentMoveMinutes"));
  const times = whole(configuredNumber(wlb, "AutoBalancePollIntervals"));
  return {
    ...settings,
    vmCooldownMinutes: minutes ?? settings.vmCooldownMinutes,
    breaches: times ?? settings.breaches,
    sampleCount: Math.max(times ?? 0, settings.sampleCount),
  };
}

function whole(value: number | null): number | null {
  return value === null ? null : Math.round(value);
}

const mebibyte = 1024 * 1024;

/** The rules that the configured critical thresholds stand for. */
export function configuredRules(wlb: WlbBinding | null): readonly Rule[] {
  if (wlb === null) return [];
  const term = (key: NumberKey, of: (value: number) => Term): ChainRule[] => {
    const value = configuredNumber(wlb, key);
    return value === null ? [] : [{ ...chainOf([of(value)]), name: `XenCenter ${key}` }];
  };
  return [
    ...term("HostCpuThresholdCritical", (part) => ({
      subjects: ["CpuAverage"],
      condition: "above",
      amount: rounded(part * 100),
    })),
    ...term("HostMemoryThresholdCritical", (bytes) => ({
      subjects: ["MemoryFreeMb"],
      condition: "below",
      amount: rounded(bytes / mebibyte),
    })),
    ...term("HostPifReadThresholdCritical", (bytes) => ({
      subjects: ["PifEth0RxKb"],
      condition: "above",
      amount: rounded(bytes / 1024),
    })),
    ...term("HostPifWriteThresholdCritical", (bytes) => ({
      subjects: ["PifEth0TxKb"],
      condition: "above",
      amount: rounded(bytes / 1024),
    })),
  ];
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

/** In density mode with power management: the rule that gathers VMs, within the configured CPU threshold. */
export function configuredGreenRule(wlb: WlbBinding | null): GreenRule | null {
  if (wlb === null || configuredNumber(wlb, "OptimizationMode") !== 1) return null;
  if (configuredFlag(wlb, "PowerManagementEnabled") !== true) return null;
  const part = configuredNumber(wlb, "HostCpuThresholdCritical") ?? 0.9;
  return {
    ...noOptions,
    name: "XenCenter PowerManagementEnabled",
    limits: [
      // Below the critical threshold, so that gathering does not run into it.
      { kind: "below", subject: "CpuAverage", value: rounded(part * 85) },
      { kind: "memory free", percent: 10 },
    ],
    spareHosts: 1,
  };
}

/** Hosts that are left alone: those that take no part in optimisations. */
export function configuredExclusions(wlb: WlbBinding | null): readonly Exclusion[] {
  if (wlb === null) return [];
  const hosts = new Set([
    ...hostsWith(wlb, "ExcludeFromPoolOptimizations"),
    ...hostsWith(wlb, "ExcludeFromPoolOptimizationAcceptVMs"),
  ]);
  return [...hosts].sort().map((uuid) => ({
    kind: "HOST",
    uuid: asUuid(uuid),
    by: "XenCenter",
    at: new Date(Number.NaN),
    reason: "excluded from optimisations in the pool's Workload Balancing settings",
  }));
}

/** Why host power must be left on, by host: power management was not allowed for it. Of the configured rule only. */
export function notParticipating(wlb: WlbBinding | null, hosts: readonly Uuid[]): ReadonlyMap<Uuid, string> {
  if (configuredGreenRule(wlb) === null || wlb === null) return new Map();
  const allowed = hostsWith(wlb, "ParticipatesInPowerManagement");
  const reason = "it does not take part in power management (XenCenter)";
  return new Map(hosts.filter((host) => !allowed.has(host.toLowerCase())).map((host) => [host, reason]));
}

/** Why a run may only recommend; null where it may act. */
export function recommendsOnly(
  pool: PoolFacts | null,
  controlState: Pick<ControlState, "wlb">,
): string | null {
  const wlb = connectedWlb(pool, controlState);
  if (pool === null || wlb === null) return null;
  if (!pool.wlbEnabled) return "Workload Balancing is paused in the pool (wlb-enabled is false)";
  if (configuredFlag(wlb, "AutoBalanceEnabled") !== false) return null;
  return "AutoBalanceEnabled is false in the pool's Workload Balancing settings";
}
