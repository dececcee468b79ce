/**
 * Has the pool record how long its VMs wait for a CPU: the states of their vCPUs, which no pool records by itself.
 * Changes nothing else of the pool; takes the role vm-admin.
 */
import { XapiError, XapiUnreachable } from "./errors.ts";
import type { Inventory } from "./inventory.ts";
import { limiter } from "./limiter.ts";
import { type Measures, type SourceValues, waitSources } from "./measures.ts";
import type { VmRef } from "./records.ts";
import type { XapiClient } from "./xapiClient.ts";

/** VMs that are seen to in one run: each takes a call or four, and the next run goes on. */
const mostVms = 200;

const [runnable, ...states] = waitSources;

/** What came of it. */
export interface Recording {
  /** VMs that are recorded from now on. */
  readonly begun: number;
  /** Why the pool does not do it, in words; null where it does. */
  readonly refused: string | null;
}

/**
 * Begins it for the VMs that run and are not recorded yet, but for those that something else is being done with, since
 * the pool would have us wait for its end.
 * @param measures what their hosts recorded in this run; VMs whose hosts told nothing are left for another.
 */
export async function recordWaits(
  client: Pick<XapiClient, "recordVmDataSource">,
  inventory: Inventory,
  measures: Measures,
  options: { readonly parallelCalls: number; readonly signal: AbortSignal },
): Promise<Recording> {
  const wanting = [...inventory.vms].flatMap(([ref, vm]) => {
    const values = measures.vms.get(ref);
    const idle = vm.current_operations.size === 0;
    return values !== undefined && idle && !vm.is_control_domain && !isRecorded(values) ? [ref] : [];
  });
  const oneCall = limiter(options.parallelCalls);
  let refused: string | null = null;
  let begun = 0;
  const see = (ref: VmRef) =>
    oneCall(async () => {
      if (refused !== null || options.signal.aborted) return;
      try {
        await begin(client, ref);
        begun++;
      } catch (error) {
        if (error instanceof XapiUnreachable) refused ??= error.message;
        else if (error instanceof XapiError && error.code === denied) refused ??= withoutRole;
        else if (!(error instanceof XapiError)) throw error;
      }
    });
  // The first alone: an account that may not is refused once, not for every VM.
  const [first, ...rest] = wanting.slice(0, mostVms);
  if (first !== undefined) await see(first);
  await Promise.all(rest.map(see));
  return { begun, refused };
}

const denied = "RBAC_PERMISSION_DENIED";
const withoutRole =
  "the pool does not let XenUsr record run-states (RBAC_PERMISSION_DENIED): give it the role vm-admin, " +
  "or leave CollectRecordWaits out and record them as xcp-manager doctor says";

/** Whether the pool tells how long the VM waits. */
export function isRecorded(values: SourceValues): boolean {
  return values.has(runnable) || states.every((name) => values.has(name));
}

/** The one source that tells all, or those that every pool has. */
async function begin(client: Pick<XapiClient, "recordVmDataSource">, ref: VmRef): Promise<void> {
  try {
    return await client.recordVmDataSource(ref, runnable);
  } catch (error) {
    if (!(error instanceof XapiError) || error.code === denied) throw error;
  }
  for (const name of states) await client.recordVmDataSource(ref, name);
}
