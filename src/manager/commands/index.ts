/** All commands, in the order of HELP. The only list: parser, HELP and completion loop over it. */

import type { ListedCommand } from "../command.ts";
import { alterGreenRule, alterHostRule, alterServeRule } from "./alterRule.ts";
import { showCollection } from "./collection.ts";
import { showCosts } from "./costs.ts";
import { createGreenRule, createHostRule, createServeRule } from "./createRule.ts";
import { deleteGreenRule, deleteHostRule, deleteServeRule } from "./deleteRule.ts";
import { doctor } from "./doctor.ts";
import { evacuateHost } from "./evacuate.ts";
import { excludeHost, excludeVm, includeHost, includeVm, showExclusions } from "./exclusions.ts";
import { exit, quit } from "./exit.ts";
import { explainHostCommand, explainVmCommand } from "./explain.ts";
import { showFlaps } from "./flaps.ts";
import { showGreen } from "./green.ts";
import { help } from "./help.ts";
import { showHostLoad } from "./hostLoad.ts";
import { showHost, showHosts } from "./hosts.ts";
import { showLoad, top } from "./load.ts";
import { showMigration, showMigrations } from "./migrations.ts";
import { showObserved } from "./observed.ts";
import { pauseCommand, resumeCommand } from "./pause.ts";
import { placeVm } from "./place.ts";
import { showPlan } from "./plan.ts";
import { showPool } from "./pool.ts";
import { showPools } from "./pools.ts";
import { rehearse } from "./rehearse.ts";
import { report } from "./report.ts";
import { makeRoom } from "./room.ts";
import { showRuleHistory } from "./ruleHistory.ts";
import { showAllRules, showGreenRules, showRules, showServeRules } from "./rules.ts";
import { showStatus } from "./status.ts";
import { showSubjects } from "./subjects.ts";
import { disableRule, enableRule } from "./switchRule.ts";
import { showVm, showVms } from "./vms.ts";

export const commandList: readonly ListedCommand[] = [
  showVms,
  showVm,
  showHosts,
  showHost,
  showLoad,
  top,
  showHostLoad,
  showAllRules,
  showRules,
  createHostRule,
  createGreenRule,
  showGreenRules,
  createServeRule,
  showServeRules,
  alterHostRule,
  alterGreenRule,
  alterServeRule,
  disableRule,
  enableRule,
  deleteHostRule,
  deleteGreenRule,
  deleteServeRule,
  showRuleHistory,
  showSubjects,
  showPool,
  showPools,
  showCollection,
  showPlan,
  explainVmCommand,
  explainHostCommand,
  evacuateHost,
  placeVm,
  makeRoom,
  rehearse,
  report,
  showStatus,
  doctor,
  showMigrations,
  showMigration,
  showObserved,
  showCosts,
  showGreen,
  showFlaps,
  pauseCommand,
  resumeCommand,
  excludeVm,
  excludeHost,
  includeVm,
  includeHost,
  showExclusions,
  help,
  exit,
  quit,
];
