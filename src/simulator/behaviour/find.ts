/** Finds hosts and VMs of the pool by what a person types. */
import { AppError } from "../../domain/errors.ts";
import type { PoolModel } from "../metrics/model.ts";

/** The host with this name, uuid or unambiguous beginning of a uuid. */
export function findHost(model: PoolModel, text: string): string {
  return find(model, "host", text, model.db.all("host"));
}

/** The VM (no template or snapshot) with this name, uuid or unambiguous beginning of a uuid. */
export function findVm(model: PoolModel, text: string): string {
  const vms = model.db.all("VM").filter((vm) => model.db.get("VM", vm, "is_a_template") !== true);
  return find(model, "VM", text, vms);
}

/** A host or a VM. */
export function findEither(model: PoolModel, text: string): { cls: "host" | "VM"; ref: string } {
  try {
    return { cls: "host", ref: findHost(model, text) };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "not-found") throw error;
    return { cls: "VM", ref: findVm(model, text) };
  }
}

/** The name of a host or VM. */
export function nameOf(model: PoolModel, cls: "host" | "VM", ref: string): string {
  return model.db.text(cls, ref, "name_label");
}

function find(model: PoolModel, cls: "host" | "VM", text: string, refs: readonly string[]): string {
  const having = (test: (ref: string) => boolean): string[] => refs.filter(test);
  const exact = having((ref) => nameOf(model, cls, ref) === text || model.db.text(cls, ref, "uuid") === text);
  const found =
    exact.length > 0 || text.length < 4
      ? exact
      : having((ref) => model.db.text(cls, ref, "uuid").startsWith(text));
  const [only] = found;
  if (found.length === 1 && only !== undefined) return only;
  if (found.length > 1) throw new AppError("ambiguous", `${found.length} ${cls}s answer to "${text}"`);
  throw new AppError("not-found", `there is no ${cls} "${text}"`);
}
