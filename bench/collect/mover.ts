/** Moves VMs of the simulated pool while it is measured, from another process than the measured one. */
import type { XenSettings } from "../../src/settings/types.ts";
import { connectXapi } from "../../src/xapi/client.ts";
import { xapiOptions } from "../../src/xapi/options.ts";

/** Starts a migration every `everyMs` until it is stopped; `stop` tells how many there were. */
export async function startMover(xen: XenSettings, everyMs: number): Promise<{ stop(): Promise<number> }> {
  const client = await connectXapi(xapiOptions(xen, "bench", new AbortController().signal));
  const hosts = [...(await client.hosts()).keys()];
  const guests = [...(await client.machines())].filter(
    ([, vm]) => vm.power_state === "Running" && vm.allowed_operations.includes("pool_migrate"),
  );
  let moved = 0;
  const move = async () => {
    const [ref, vm] = guests[(moved * 37) % guests.length] ?? [];
    const to = hosts.find((host) => host !== vm?.resident_on);
    if (ref !== undefined && to !== undefined) await client.poolMigrateAsync(ref, to);
    moved++;
  };
  const timer = setInterval(() => void move().catch(() => {}), everyMs);
  return {
    stop: async () => {
      clearInterval(timer);
      await client.close();
      return moved;
    },
  };
}
