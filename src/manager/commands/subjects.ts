/** SHOW SUBJECTS: our subjects, and the data sources that rules name or that are stored. Read only. */

import { withDerived } from "../../domain/derived.ts";
import { mean, subjectValue, takesPart } from "../../domain/deviation.ts";
import type { Host } from "../../domain/pool.ts";
import { type AnySubject, isSource, namedSubjects, parseAnySubject, unitOf } from "../../domain/rule.ts";
import type { Database } from "../../store/connection.ts";
import { subjectsNamedByRules } from "../../store/rules.ts";
import { loadSnapshot } from "../../store/snapshot.ts";
import { figure, plural } from "../../text/format.ts";
import { printable } from "../../text/text.ts";
import { type Command, command } from "../command.ts";
import { bare } from "../forms.ts";
import { tableOf } from "../table.ts";

/** A subject, and what the last collection says of it. */
export interface SubjectFigures {
  readonly subject: string;
  /** "" for a plain number. */
  readonly unit: string;
  /** Null where no host has a value. */
  readonly mean: number | null;
  /** Hosts that have a value, of those that take part. */
  readonly hosts: number;
  readonly of: number;
}

export const showSubjects: Command<null, readonly SubjectFigures[]> = command({
  ...bare("SHOW SUBJECTS"),
  help: [["SHOW SUBJECTS", "what hosts can be compared by, with unit and the pool's mean"]],
  run: ({ db }) => allSubjects(db),
  text: (subjects) => subjects.map((each) => printable(subjectLine(each))),
  table: (subjects) =>
    tableOf(
      {
        Subject: ({ subject }) => subject,
        Unit: ({ unit }) => unit,
        Mean: (each) => each.mean,
        "Hosts with a value": ({ hosts }) => hosts,
        Hosts: ({ of }) => of,
      },
      subjects,
    ),
  json: (subjects) => subjects,
});

async function allSubjects(db: Database): Promise<readonly SubjectFigures[]> {
  const stored = (await loadSnapshot(db))?.snapshot;
  const hosts = stored === undefined ? [] : withDerived(stored).hosts.filter(takesPart);
  const named = (await subjectsNamedByRules(db)).flatMap((name) => parseAnySubject(name) ?? []);
  const present = hosts.flatMap(({ sources = {} }) => Object.keys(sources)).flatMap(sourceOf);
  const sources = [...new Set([...named.filter(isSource), ...present])].sort();
  return [...namedSubjects, ...sources].map((subject) => figuresOf(subject, hosts));
}

function sourceOf(name: string): AnySubject[] {
  const subject = parseAnySubject(name);
  return subject !== null && isSource(subject) ? [subject] : [];
}

function figuresOf(subject: AnySubject, hosts: readonly Host[]): SubjectFigures {
  const values = hosts.flatMap((host) => subjectValue(host, subject) ?? []);
  return { subject, unit: unitOf(subject), mean: mean(values), hosts: values.length, of: hosts.length };
}

function subjectLine({ subject, unit, mean, hosts, of }: SubjectFigures): string {
  const inUnit = unit === "" ? "" : ` ${unit}`;
  const head = `- ${subject} - ${unit === "" ? "-" : unit}`;
  if (mean === null) return `${head} - no host has a value`;
  const some = hosts === of ? plural(of, "host") : `${hosts} of ${plural(of, "host")}`;
  return `${head} - mean ${figure(mean)}${inUnit} of ${some}`;
}
