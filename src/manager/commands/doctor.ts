/** DOCTOR: what is wrong with the set-up, and how to mend it. Changes nothing. */

import type { DoctorReport } from "../../doctor/report.ts";
import { reportLines } from "../../doctor/text.ts";
import { type Command, command } from "../command.ts";
import { bare } from "../forms.ts";

export const doctor: Command<null, DoctorReport> = command({
  ...bare("DOCTOR"),
  help: [["DOCTOR", "what is wrong with the set-up of all programs, and the commands that mend it"]],
  run: ({ tools }) => tools.diagnose(),
  text: reportLines,
  json: (report) => report,
});
