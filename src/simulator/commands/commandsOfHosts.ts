/** Commands that switch hosts on, and that make waking them, shutting them down and other messages fail. */
import { AppError } from "../../domain/errors.ts";
import { findHost, nameOf } from "../behaviour/find.ts";
import { type WakeKind, wakeKinds } from "../behaviour/machine.ts";
import { machineOf } from "../behaviour/machines.ts";
import { boot } from "../behaviour/powerCycle.ts";
import type { PoolModel } from "../metrics/model.ts";
import { readDuration } from "../scenario/scenarioText.ts";
import { readTimes } from "./commandsOfOutages.ts";
import type { PoolCommand } from "./poolCommand.ts";

export const hostCommands: Readonly<Record<string, PoolCommand>> = {
  "power-button": {
    usage: "power-button HOST",
    help: "Somebody presses the button of a host that is off: it boots.",
    least: 1,
    most: 1,
    run: (model, [name = ""]) => {
      const host = findHost(model, name);
      const { state } = machineOf(model, host);
      if (state !== "off")
        throw new AppError("refused", `${nameOf(model, "host", host)} is ${state}, not off`);
      boot(model, host, "the power button");
      return `${nameOf(model, "host", host)} boots`;
    },
  },
  wake: {
    usage: "wake HOST KIND [boot=3m]",
    help: `What host.power_on comes to from now on: ${wakeKinds.join(", ")}.`,
    least: 2,
    most: 2,
    run: (model, [name = "", kind = ""], settings) => {
      const host = findHost(model, name);
      const machine = machineOf(model, host);
      machine.wake = readWakeKind(kind);
      const boots = settings.get("boot");
      if (boots !== undefined) machine.bootMs = readDuration(boots);
      return `${nameOf(model, "host", host)}: wake ${kind}, boots in ${machine.bootMs / 1000} s`;
    },
  },
  stuck: {
    usage: "stuck HOST",
    help: "The host's next shutdown is accepted, and nothing comes of it.",
    least: 1,
    most: 1,
    run: (model, [name = ""]) => {
      const host = findHost(model, name);
      model.faults.addStuck(host);
      return `${nameOf(model, "host", host)} will not go down`;
    },
  },
  refuse: {
    usage: "refuse METHOD CODE [host=HOST] [params=A,B] [times=N]",
    help: "Messages about a host (host.disable, host.*) are refused with that code. Once, or N times, or times=always.",
    least: 2,
    most: 2,
    run: (model, [pattern = "", code = ""], settings) => {
      const host = settings.get("host");
      const params = settings.get("params");
      model.faults.addRefusal({
        pattern,
        code,
        params: params === undefined ? [] : params.split(","),
        hostRef: host === undefined ? null : findHost(model, host),
        timesLeft: readTimes(settings.get("times")),
      });
      return `${pattern}: ${code}`;
    },
  },
  power: {
    usage: "power",
    help: "The hours that each host has been on, and who switched what off and on.",
    least: 0,
    most: 0,
    run: (model) => tellPower(model),
  },
};

function readWakeKind(text: string): WakeKind {
  const kind = wakeKinds.find((one) => one === text);
  if (kind === undefined) throw new AppError("usage", `${text}: must be one of ${wakeKinds.join(", ")}`);
  return kind;
}

function tellPower(model: PoolModel): string {
  const nowMs = model.clock.now();
  const hours = model.db.all("host").map((host) => {
    const on = model.power.hoursOn(host, nowMs).toFixed(2);
    return `${nameOf(model, "host", host)}: ${machineOf(model, host).state}, ${on} h on`;
  });
  const events = model.power.events.map(({ atMs, hostRef, kind, by, about }) => {
    const what = about === "" ? "" : ` ${about}`;
    return `${new Date(atMs).toISOString()} ${nameOf(model, "host", hostRef)}: ${kind}${what}, by ${by}`;
  });
  return [...hours, ...events].join("\n");
}
