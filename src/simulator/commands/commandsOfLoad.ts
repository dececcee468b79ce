/** Commands that change what VMs ask for, what sources tell and what becomes of migrations. */
import { AppError } from "../../domain/errors.ts";
import type { MigrationFate, MigrationPoint } from "../behaviour/faults.ts";
import { findEither, findHost, findVm, nameOf } from "../behaviour/find.ts";
import { noteVm } from "../behaviour/upkeep.ts";
import { idleVm, type PoolModel } from "../metrics/model.ts";
import { readDuration, readProfile } from "../scenario/scenarioText.ts";
import { readTimes } from "./commandsOfOutages.ts";
import type { PoolCommand } from "./poolCommand.ts";

export const loadCommands: Readonly<Record<string, PoolCommand>> = {
  load: {
    usage: "load VM [cpu=PROFILE] [rx=PROFILE] [tx=PROFILE]",
    help: "What the VM asks for from now on: 50%, noise(50%,10%), ramp(10%,90%,over=5m); rx and tx in KiB/s.",
    least: 1,
    most: 1,
    run: (model, [name = ""], settings) => {
      const vm = findVm(model, name);
      const before = model.vmLoads.get(vm) ?? idleVm;
      const read = (key: string, unit: "share" | "amount", old: (typeof before)["cpu"]): typeof old => {
        const text = settings.get(key);
        return text === undefined ? old : readProfile(text, unit, model.clock.now() - model.startMs);
      };
      model.vmLoads.set(vm, {
        ...before,
        cpu: read("cpu", "share", before.cpu),
        rxKib: read("rx", "amount", before.rxKib),
        txKib: read("tx", "amount", before.txKib),
      });
      noteVm(model, vm);
      return `${nameOf(model, "VM", vm)} has another load`;
    },
  },
  nan: {
    usage: "nan HOST|VM SOURCE [for=60s]",
    help: "The data source (cpu0, cpu*, *) has no value for a while.",
    least: 2,
    most: 2,
    run: (model, [name = "", source = ""], settings) => {
      const { cls, ref } = findEither(model, name);
      const fromMs = model.clock.now();
      const untilMs = fromMs + readDuration(settings.get("for") ?? "60s");
      model.faults.addNanWindow({ ref, source, fromMs, untilMs });
      return `${source} of ${nameOf(model, cls, ref)} has no value for ${(untilMs - fromMs) / 1000} s`;
    },
  },
  "fail-migration": {
    usage: "fail-migration CODE [PARAM ...] [vm=VM] [host=HOST] [at=50%] [times=N]",
    help: "The next migration (to HOST) fails with CODE: at=start (or 0%), at a part of the stream, or at=end; the word VM among the parameters stands for its ref.",
    least: 1,
    most: 9,
    run: (model, [code = "", ...params], settings) =>
      addFate(model, settings, { kind: "fail", code, params, at: readPoint(settings.get("at") ?? "50%") }),
  },
  "stall-migration": {
    usage: "stall-migration [vm=VM] [host=HOST] [at=50%] [times=N]",
    help: "The next migration (to HOST) stops at that part of its stream and never ends.",
    least: 0,
    most: 0,
    run: (model, _, settings) => {
      const at = readPoint(settings.get("at") ?? "50%");
      if (at === "end") throw new AppError("usage", "a migration can only stall within its stream");
      return addFate(model, settings, { kind: "stall", at });
    },
  },
  "slow-migration": {
    usage: "slow-migration FACTOR [vm=VM] [host=HOST] [times=N]",
    help: "The next migration (to HOST) takes FACTOR times as long.",
    least: 1,
    most: 1,
    run: (model, [text = ""], settings) => {
      const factor = Number(text);
      if (!(factor > 0)) throw new AppError("usage", `FACTOR must be a positive number, not ${text}`);
      return addFate(model, settings, { kind: "slow", factor });
    },
  },
  "lose-vm": {
    usage: "lose-vm [vm=VM] [host=HOST] [times=N]",
    help: "The next migration (to HOST) breaks at its last step and the VM is halted by it.",
    least: 0,
    most: 0,
    run: (model, _, settings) => addFate(model, settings, { kind: "lose-vm" }),
  },
};

function addFate(model: PoolModel, settings: ReadonlyMap<string, string>, fate: MigrationFate): string {
  const name = settings.get("vm");
  const vmRef = name === undefined ? null : findVm(model, name);
  const host = settings.get("host");
  const hostRef = host === undefined ? null : findHost(model, host);
  const timesLeft = readTimes(settings.get("times"));
  model.faults.addMigrationFault({ vmRef, hostRef, fate, timesLeft });
  const of = vmRef === null ? "" : ` of ${nameOf(model, "VM", vmRef)}`;
  const to = hostRef === null ? "" : ` to ${nameOf(model, "host", hostRef)}`;
  return `the next migration${of}${to}: ${fate.kind}`;
}

function readPoint(text: string): MigrationPoint {
  if (text === "start") return 0;
  if (text === "end") return "end";
  const match = /^(\d+(?:\.\d+)?)%$/.exec(text);
  const part = Number(match?.[1]) / 100;
  if (match !== null && part <= 1) return part;
  throw new AppError("usage", `at=${text}: must be start, end or a percentage`);
}
