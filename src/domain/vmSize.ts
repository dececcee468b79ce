/** A VM that there is not yet: what is asked of a host by its size alone. Pure. */
import { asUuid, type Uuid, type Vm } from "./pool.ts";

const mebibyte = 1024 * 1024;

/** How large a VM would be. */
export interface VmSize {
  /** Its memory in bytes, all of which it must be given at its start. */
  readonly memoryBytes: number;
  /** Null where nobody said: no host is too small for it then, and its overhead is that of one. */
  readonly vcpus: number | null;
}

/** The uuid of a VM that is a size only; no object of a pool has it. */
export const noUuid: Uuid = asUuid("");

/**
 * Bytes that Xen needs beside the memory of an HVM guest: 2 MiB, and for each vCPU and each 128 MiB one more (xen-api
 * memory.ml, with the usual multiplier of 1; from xapi 26.3 on 38/256 MiB a vCPU come to it, and are counted here).
 */
export function overheadOfSize({ memoryBytes, vcpus }: VmSize): number {
  const cpus = vcpus ?? 1;
  const shadow = Math.max(1, Math.ceil((256 * cpus + 2 * Math.ceil(memoryBytes / mebibyte)) / 256));
  return (2 + shadow + Math.ceil((38 * cpus) / 256)) * mebibyte;
}

/** A halted VM of this size, of which nothing but the size is known. */
export function vmOfSize(size: VmSize): Vm {
  const memory = Math.ceil(size.memoryBytes / mebibyte) * mebibyte;
  return {
    uuid: noUuid,
    name: "",
    vcpuNum: size.vcpus,
    powerState: "Halted",
    isControlDomain: false,
    memoryMb: memory / mebibyte,
    memoryInternalFreeMb: null,
    vif0TxKb: null,
    vif0RxKb: null,
    vcpuAverage: null,
    placementBytes: memory + overheadOfSize(size),
    copyBytes: memory,
    tags: [],
    hasTools: true,
    immovable: null,
    haPriority: "",
    antiAffinityGroups: [],
    migratingTo: null,
    shrinksToBytes: null,
  };
}
