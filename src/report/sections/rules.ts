/** The rules as they are, and who changed which of them. Pure. */
import { ruleWords } from "../../rules/print.ts";
import { plural } from "../../text/format.ts";
import type { RuleChangeFact } from "../facts.ts";
import { html } from "../html.ts";
import type { ReportSection, SectionInput } from "../section.ts";
import { pageTable } from "../tables.ts";
import { momentText } from "../times.ts";

const done: Readonly<Record<string, string>> = {
  create: "created",
  alter: "altered",
  enable: "enabled",
  disable: "disabled",
  delete: "deleted",
};

export function rulesSection({ facts, id }: SectionInput): ReportSection {
  const { rules, greenRules, serveRules, ruleChanges } = facts;
  const all = [
    ...rules.map((rule) => ({ kind: "HOST", text: ruleWords(rule) })),
    ...greenRules.map((rule) => ({ kind: "GREEN", text: ruleWords(rule) })),
    ...serveRules.map((rule) => ({ kind: "SERVE", text: ruleWords(rule) })),
  ];
  const people = new Set(ruleChanges.map(({ by }) => by)).size;
  const changes =
    ruleChanges.length === 0
      ? "Nobody changed a rule in this time."
      : html`<b>${plural(ruleChanges.length, "change")}</b> by ${plural(people, "person", "people")} in this time.`;
  return {
    id: `${id}-rules`,
    title: "Rules, and who changed them",
    finding: [all.length === 0 ? "There is no rule. " : `${plural(all.length, "rule")} now. `, changes],
    body: [
      all.length === 0
        ? null
        : pageTable(
            "Rules now",
            [
              { title: "Kind", cell: ({ kind }) => kind },
              {
                title: "Rule, as CREATE RULE takes it",
                kind: "long",
                cell: ({ text }) => html`<code>${text}</code>`,
              },
            ],
            all,
          ),
      ruleChanges.length === 0
        ? null
        : pageTable<RuleChangeFact>(
            "Changes, newest first",
            [
              { title: "Time (UTC)", kind: "time", cell: ({ at }) => momentText(at) },
              { title: "By", kind: "name", cell: ({ by }) => (by === "" ? "-" : by) },
              { title: "What", cell: ({ action, kind }) => `${done[action] ?? action} ${kind}` },
              {
                title: "Before",
                kind: "long",
                cell: ({ before }) => (before === null ? "-" : html`<code>${before}</code>`),
              },
              {
                title: "After",
                kind: "long",
                cell: ({ after }) => (after === null ? "-" : html`<code>${after}</code>`),
              },
            ],
            ruleChanges,
          ),
    ],
  };
}
