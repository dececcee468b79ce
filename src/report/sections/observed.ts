/** What xcp-control would have done while it only observed: the safe first week. Pure. */
import type { ObservedAction } from "../../domain/observed.ts";
import { bytes, grouped, plural, span } from "../../text/format.ts";
import { longest, shorten } from "../../text/text.ts";
import type { ReportFacts } from "../facts.ts";
import { type Content, html, type Markup } from "../html.ts";
import type { ReportSection, SectionInput } from "../section.ts";
import { label, picture, pictureWidth, timeAxis, timeScale, xOf } from "../svg.ts";
import { pageTable } from "../tables.ts";
import { momentText, periodText } from "../times.ts";

/** Rows of the table. */
const shownActions = 30;

export function observedSection({ facts, id }: SectionInput): ReportSection | null {
  const { observed, runs } = facts;
  const observing = runs.filter(({ outcome }) => outcome === "observed");
  if (observed.length === 0 && observing.length === 0) return null;
  const moves = observed.filter(({ kind }) => kind === "move");
  const copied = moves.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0);
  const steps = observed.length - moves.length;
  return {
    id: `${id}-observed`,
    title: "What would have been done",
    finding:
      observed.length === 0
        ? "xcp-control only observed (ControlMode=observe), and would have done nothing."
        : html`Where it only observed (ControlMode=observe), xcp-control would have made <b>${plural(moves.length, "migration")}</b> of ${bytes(copied)}${steps === 0 ? null : ` and ${plural(steps, "step")} with hosts`}, and moved nothing. What run after run would have done is counted once.`,
    body: observed.length === 0 ? null : [timeline(facts, `${id}-would`), newest(facts)],
  };
}

/** A bar for each action, from the first run that would have done it to the last. */
function timeline({ observed, from, to, names }: ReportFacts, id: string): Markup {
  const [left, right, top] = [44, pictureWidth - 10, 26];
  const lanes = lanesOf(observed, (to - from) / 120);
  const step = Math.max(3, Math.min(12, Math.floor(180 / lanes.length)));
  const bottom = top + lanes.length * step + 4;
  const scale = timeScale(from, to, left, right);
  return picture({
    id,
    height: bottom + 26,
    title: "When it would have been done",
    description: `${plural(observed.length, "action")} that xcp-control would have taken, each from the first run that wanted it to the last. The table below has the newest.`,
    body: [
      label(left, top - 12, "each bar: from the first run that wanted it to the last", { kind: "" }),
      timeAxis(scale, top, bottom),
      lanes.map((lane, index) =>
        lane.map((action) => {
          const [start, end] = timesOf(action);
          const x = Math.max(left, xOf(scale, start));
          return html`<rect class="${action.kind === "move" ? "bar" : "sleep"}" x="${x}" y="${top + index * step + 1}" width="${Math.max(2, xOf(scale, end) - x)}" height="${step - 1}" rx="1"><title>${periodText(start, end)}: ${whatText(action, names)}, wanted by ${plural(action.runs, "run")}</title></rect>`;
        }),
      ),
    ],
  });
}

function timesOf({ firstAt, lastAt }: ObservedAction): readonly [number, number] {
  return [firstAt.getTime() / 1000, lastAt.getTime() / 1000];
}

/** The actions such that those of one lane do not touch. */
function lanesOf(actions: readonly ObservedAction[], gap: number): readonly (readonly ObservedAction[])[] {
  const lanes: { until: number; readonly actions: ObservedAction[] }[] = [];
  for (const action of actions) {
    const [start, end] = timesOf(action);
    const free = lanes.find(({ until }) => until + gap < start);
    if (free === undefined) lanes.push({ until: end, actions: [action] });
    else {
      free.until = end;
      free.actions.push(action);
    }
  }
  return lanes.map((lane) => lane.actions);
}

function whatText(
  { kind, object, source, destination }: ObservedAction,
  names: ReportFacts["names"],
): string {
  if (source === null || destination === null) return `${kind} ${names.of(object)}`;
  return `${names.of(object)}: ${names.of(source)} to ${names.of(destination)}`;
}

function newest({ observed, names }: ReportFacts): Content {
  const shown = observed.slice(-shownActions).reverse();
  return pageTable<ObservedAction>(
    shown.length < observed.length
      ? `The newest ${shown.length} of ${grouped(observed.length)}`
      : "Newest first",
    [
      { title: "First (UTC)", kind: "time", cell: (each) => momentText(timesOf(each)[0]) },
      {
        title: "For",
        kind: "time",
        cell: ({ firstSecondsAgo, lastSecondsAgo }) => span(firstSecondsAgo - lastSecondsAgo, "rough"),
      },
      { title: "Runs", kind: "figure", cell: ({ runs }) => grouped(runs) },
      { title: "What", kind: "name", cell: ({ kind }) => kind },
      { title: "VM or host", kind: "name", cell: ({ object }) => names.of(object) },
      { title: "From", kind: "name", cell: ({ source }) => (source === null ? "-" : names.of(source)) },
      {
        title: "To",
        kind: "name",
        cell: ({ destination }) => (destination === null ? "-" : names.of(destination)),
      },
      { title: "Why", kind: "long", cell: ({ rule, reason }) => rule ?? shorten(reason, longest.error) },
      {
        title: "Size",
        kind: "figure",
        cell: ({ memoryBytes }) => (memoryBytes === null ? "-" : bytes(memoryBytes)),
      },
    ],
    shown,
  );
}
