/** The hooks of a program, with what it has from its surroundings. */
import { plainEnvironment, runChild } from "../program/childProcess.ts";
import type { ProgramContext } from "../program/context.ts";
import type { HookSettings } from "../settings/types.ts";
import { Hooks } from "./hooks.ts";

/**
 * @param mode of xcp-control, act or observe; "act" of other programs.
 * @throws AppError "settings" where the folder cannot be used.
 */
export function openHooks(context: ProgramContext, settings: HookSettings, mode = "act"): Hooks {
  return new Hooks(settings.folder, {
    run: { program: context.name, mode, poolUuid: null, poolName: null },
    seconds: settings.seconds,
    environment: plainEnvironment(),
    runChild,
    warn: context.warn,
    monotonicMs: context.monotonicMs,
    now: () => new Date(),
  });
}
