/** The networks of a pool that is made of a snapshot, such that what VMs and hosts send is what the snapshot says. Pure. */
import type { Host, Vm } from "../../domain/pool.ts";
import type { NetworkSpec } from "./scenarioSpecs.ts";

const mainNetwork = "main network";
/** Of traffic that does not pass what stands for eth0. */
export const guestNetwork = "guest network";

/** KiB/s that the VM sends and receives through what stands for eth0 on its host. */
export function throughEth0({ eth0Vifs, eth0RxKb, eth0TxKb, vif0RxKb, vif0TxKb }: Vm): {
  rx: number;
  tx: number;
} {
  return eth0Vifs === undefined
    ? { rx: vif0RxKb ?? 0, tx: vif0TxKb ?? 0 }
    : { rx: eth0RxKb ?? 0, tx: eth0TxKb ?? 0 };
}

/** The networks of its first interface and, where eth0 has other traffic of it, of a second. */
export function networksOf(vm: Vm): readonly string[] {
  if (vm.eth0Vifs === 0) return [guestNetwork];
  const { rx, tx } = throughEth0(vm);
  const isFirst = rx === (vm.vif0RxKb ?? 0) && tx === (vm.vif0TxKb ?? 0);
  return isFirst ? [mainNetwork] : [guestNetwork, mainNetwork];
}

/** The network of what stands for eth0, by the names that the hosts have for it. */
export function mainSpec(hosts: readonly Host[]): NetworkSpec {
  const named = hosts.map(({ uuid, eth0 }) => ({ uuid, ...interfaceNamed(eth0) }));
  const device = named[0]?.device ?? "eth0";
  const deviceOf = new Map(
    named.filter((each) => each.device !== device).map((each) => [each.uuid, each.device]),
  );
  const members = named[0]?.members ?? [];
  return {
    ...networkSpec(mainNetwork, device, null),
    ...(deviceOf.size === 0 ? {} : { deviceOf }),
    ...(members.length < 2 ? {} : { bond: { members, mode: "balance-slb" } }),
    management: true,
  };
}

/** "bond0 (eth0 + eth1)" */
function interfaceNamed(eth0 = "eth0"): { readonly device: string; readonly members: readonly string[] } {
  const [, device = "eth0", members] = /^([^ ]+)(?: \((.+)\))?$/.exec(eth0) ?? [];
  return { device, members: members?.split(" + ") ?? [] };
}

/** The devices whose sources make up what stands for eth0 on the host. */
export function eth0Devices({ eth0 }: Host): readonly string[] {
  const { device, members } = interfaceNamed(eth0);
  return [device, ...members];
}

/** A network with that interface on `hosts`; on all of them where that is null. */
export function networkSpec(name: string, device: string, hosts: readonly string[] | null): NetworkSpec {
  return { name, uuid: null, device, hosts };
}
