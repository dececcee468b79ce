/** Memory arithmetic of xapi, in bytes. Pure. */

export const mib: number = 1024 * 1024;

/** How a VM is virtualised, as far as its overhead depends on it. */
export type Virtualisation = "hvm" | "pvh" | "pv" | "pv_in_pvh";

export interface OverheadInput {
  readonly vcpusMax: number;
  readonly staticMaxBytes: number;
  readonly shadowMultiplier: number;
  readonly virtualisation: Virtualisation;
  /** Since xapi 26.3 every vCPU costs some pages more. */
  readonly countsVcpuPages?: boolean;
}

/** Memory that Xen needs for a VM beside the VM's own. */
export function overheadBytes(vm: OverheadInput): number {
  const staticMaxMib = Math.ceil(vm.staticMaxBytes / mib);
  const pages = Math.ceil((256 * vm.vcpusMax + 2 * staticMaxMib) / 256);
  const shadowMib = Math.max(1, Math.trunc(pages * vm.shadowMultiplier));
  const vcpuMib = vm.countsVcpuPages === true ? Math.ceil((38 * vm.vcpusMax) / 256) : 0;
  return (fixedMib(vm.virtualisation, staticMaxMib) + shadowMib + vcpuMib) * mib;
}

function fixedMib(virtualisation: Virtualisation, staticMaxMib: number): number {
  switch (virtualisation) {
    case "hvm":
    case "pvh":
      return 2;
    case "pv":
      return 1;
    case "pv_in_pvh":
      return 2 + 23 + Math.trunc(staticMaxMib / 90);
    default:
      return virtualisation satisfies never;
  }
}

export interface MemoryDemand {
  readonly dynamicMinBytes: number;
  readonly overheadBytes: number;
}

/** What a host must have free to take the VM. */
export function requiredBytes(vm: MemoryDemand): number {
  return Math.ceil(vm.dynamicMinBytes / mib) * mib + vm.overheadBytes;
}

export interface HostMemory {
  readonly totalBytes: number;
  readonly overheadBytes: number;
  /** VMs resident on the host, control domain included. */
  readonly residents: readonly MemoryDemand[];
  /** VMs on their way to the host; one that is in both lists counts twice. */
  readonly scheduled: readonly MemoryDemand[];
}

/** What xapi would give to arriving VMs, as if every VM could shrink to its dynamic minimum. Never below 0. */
export function freeBytes(host: HostMemory): number {
  const taken = [...host.residents, ...host.scheduled].reduce(
    (sum, vm) => sum + vm.dynamicMinBytes + vm.overheadBytes,
    0,
  );
  return Math.max(0, host.totalBytes - host.overheadBytes - taken);
}
