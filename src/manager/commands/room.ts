/** MAKE ROOM: which moves would let a VM start, to look at; xcp-control --make-room makes them. Read only. */

import { assessAsked, withLastUse } from "../../decide/placing.ts";
import { forecastRoom, type RoomRequest, wantedVm } from "../../decide/room.ts";
import { asTable, movesTable } from "../../explain/planTable.ts";
import { roomJson, roomLines } from "../../explain/room.ts";
import { loadLastUse } from "../../store/lastUse.ts";
import { loadDecisionInput } from "../../store/load/decisionInput.ts";
import { Names } from "../../text/names.ts";
import { readSize } from "../../text/size.ts";
import { type Command, command } from "../command.ts";
import { offer } from "../offer.ts";
import { gateReport, type PlanReport, planReportShown } from "../report.ts";
import { problem, quote, quoteName, readQuoted, type TextProblem } from "../words.ts";

const usage = "MAKE ROOM 64 GB [FOR VM uuid|name]";

export const makeRoom: Command<RoomRequest, PlanReport> = command({
  words: "MAKE ROOM",
  usage,
  ...planReportShown,
  help: [
    [
      usage,
      "the moves that copy least after which a VM of that size could start, and where;",
      "xcp-control --make-room makes them",
    ],
    "MAKE ROOM 64 GB",
    "MAKE ROOM FOR VM VM1 - Debian",
  ],
  complete: {
    names: true,
    offer: (typed, { vms }) => {
      const size = readSize(typed);
      const rest = size === null ? typed : size.rest;
      const named = vms.flatMap((vm) => [vm.uuid, quoteName(vm.name)]);
      return offer(
        named.map((name) => `FOR VM ${name}`),
        rest,
      );
    },
  },
  read: readRequest,
  /** Throws AppError not-found, ambiguous, or conflict where the VM runs. */
  run: async ({ db, control }, request) => {
    const assessment = assessAsked(await loadDecisionInput(db, control), control, null);
    const { stored } = assessment;
    if (stored === null) return gateReport(assessment.gate);
    const found = wantedVm(stored.snapshot, request);
    const use = await loadLastUse(db, stored, found, control);
    const vm = withLastUse(found, use);
    const { plan, gate } = forecastRoom(assessment, control, { vm, use });
    if (gate !== null || plan === null) return gateReport(gate);
    return {
      screen: (screen) => roomLines(assessment, stored, vm, plan, asTable(screen)),
      table: () => movesTable(plan.moves, new Names(stored.snapshot)),
      lines: roomLines(assessment, stored, vm, plan),
      object: roomJson(assessment, stored, vm, plan),
    };
  },
});

function readRequest(text: string): RoomRequest | TextProblem {
  const size = readSize(text);
  const rest = size === null ? text : size.rest;
  if (rest === "" && size !== null) return { memoryBytes: size.bytes, vm: null };
  const [, named] = /^FOR\s+VM(?:\s+(.*))?$/i.exec(rest) ?? [];
  if (named !== undefined && named !== "") {
    const quoted = readQuoted(named);
    const vm = quoted !== null && quoted.behind === "" ? quoted.text : named;
    return { memoryBytes: size?.bytes ?? null, vm };
  }
  if (text === "") return problem(`MAKE ROOM for what? Write ${usage}.`);
  if (/^FOR(?:\s+VM)?$/i.test(rest)) return problem(`FOR which VM? Write ${usage}.`);
  return problem(
    size === null
      ? `${quote(text)} is no size: write it with its unit, as in 64 GB or 512 MB (${usage}).`
      : `${quote(rest)} follows the size: write ${usage}.`,
  );
}
