/** Commands that damage the records of a pool on their way to whoever reads them. */
import { AppError } from "../../domain/errors.ts";
import { findHost, findVm } from "../behaviour/find.ts";
import type { PoolModel } from "../metrics/model.ts";
import { Damaged } from "../objects/damaged.ts";
import { classes } from "../objects/datamodel.ts";
import { readTimes } from "./commandsOfOutages.ts";
import type { PoolCommand } from "./poolCommand.ts";

export const recordCommands: Readonly<Record<string, PoolCommand>> = {
  garble: {
    usage: "garble CLASS OBJECT FIELD [TEXT] [as=text|struct] [times=N]",
    help:
      "The object's record comes with TEXT in place of FIELD (with as=struct, a struct that holds it; without TEXT, the " +
      "field is missing); FIELD * is the whole record. In one answer, in N, or times=always. OBJECT: a name, uuid or ref.",
    least: 3,
    most: 4,
    run: (model, [cls = "", object = "", field = "", text], settings) => {
      const spec = classes.get(cls);
      if (spec === undefined || !spec.enumerable) throw new AppError("usage", `there is no class ${cls}`);
      if (field !== "*" && !spec.fields.has(field))
        throw new AppError("usage", `${cls} has no field ${field}`);
      const kind = settings.get("as") ?? "text";
      if (kind !== "text" && kind !== "struct")
        throw new AppError("usage", `as=${kind}: must be text or struct`);
      const timesLeft = readTimes(settings.get("times"));
      model.faults.addRecordFault({
        cls,
        ref: findObject(model, cls, object),
        field: field === "*" ? null : field,
        damage: text === undefined ? null : new Damaged(kind, text),
        timesLeft,
      });
      const what = field === "*" ? "the record" : field;
      const how =
        text === undefined ? "is missing" : `is ${kind === "struct" ? "a struct with " : ""}"${text}"`;
      const often = timesLeft === Number.POSITIVE_INFINITY ? "always" : `${timesLeft} times`;
      return `${cls} ${object}: ${what} ${how}, ${often}`;
    },
  },
};

function findObject(model: PoolModel, cls: string, text: string): string {
  if (model.db.has(cls, text)) return text;
  if (cls === "host") return findHost(model, text);
  if (cls === "VM") return findVm(model, text);
  const hasName = classes.get(cls)?.fields.has("name_label") ?? false;
  const found = model.db
    .all(cls)
    .filter(
      (ref) =>
        model.db.text(cls, ref, "uuid") === text ||
        (hasName && model.db.text(cls, ref, "name_label") === text),
    );
  const [only] = found;
  if (found.length === 1 && only !== undefined) return only;
  if (found.length > 1) throw new AppError("ambiguous", `${found.length} ${cls}s answer to "${text}"`);
  throw new AppError("not-found", `there is no ${cls} "${text}"`);
}
