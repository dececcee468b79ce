/** Commands that make hosts, toolstacks and calls fail. */
import { AppError } from "../../domain/errors.ts";
import { findHost, nameOf } from "../behaviour/find.ts";
import { changeMaster, crashHost, declareDead, recoverHost, restartToolstack } from "../behaviour/outages.ts";
import type { AnswerFault } from "../objects/contract.ts";
import { readDuration } from "../scenario/scenarioText.ts";
import type { PoolCommand } from "./poolCommand.ts";

export const outageCommands: Readonly<Record<string, PoolCommand>> = {
  crash: {
    usage: "crash HOST",
    help: "The host loses power; the pool calls it alive for ten more minutes.",
    least: 1,
    most: 1,
    run: (model, [name = ""]) => {
      const host = findHost(model, name);
      crashHost(model, host);
      return `${nameOf(model, "host", host)} has crashed`;
    },
  },
  recover: {
    usage: "recover HOST",
    help: "A crashed host boots again; its VMs are halted.",
    least: 1,
    most: 1,
    run: (model, [name = ""]) => {
      const host = findHost(model, name);
      if (!model.crashed.has(host))
        throw new AppError("refused", `${nameOf(model, "host", host)} has not crashed`);
      recoverHost(model, host);
      return `${nameOf(model, "host", host)} boots`;
    },
  },
  "declare-dead": {
    usage: "declare-dead HOST",
    help: "Tells the pool that a crashed host is dead; its VMs are halted.",
    least: 1,
    most: 1,
    run: (model, [name = ""]) => {
      const host = findHost(model, name);
      declareDead(model, host);
      return `${nameOf(model, "host", host)} is declared dead`;
    },
  },
  "restart-toolstack": {
    usage: "restart-toolstack HOST [for=30s]",
    help: "The host answers nothing, then HOST_STILL_BOOTING; the master forgets sessions and tasks.",
    least: 1,
    most: 1,
    run: (model, [name = ""], settings) => {
      const host = findHost(model, name);
      const seconds = readDuration(settings.get("for") ?? "30s") / 1000;
      restartToolstack(model, host, seconds);
      return `the toolstack of ${nameOf(model, "host", host)} restarts, for ${seconds} s`;
    },
  },
  master: {
    usage: "master HOST [for=10s]",
    help: "Makes the host the master; sessions and tasks are lost.",
    least: 1,
    most: 1,
    run: (model, [name = ""], settings) => {
      const host = findHost(model, name);
      changeMaster(model, host, readDuration(settings.get("for") ?? "10s") / 1000);
      return `${nameOf(model, "host", host)} is the master`;
    },
  },
  hang: callFault("hang", "hang", "Calls of METHOD (VM.*, *) are never answered."),
  mute: callFault("mute", "mute", "Calls of METHOD are carried out, and never answered."),
  drop: callFault(
    "drop",
    "drop",
    "Calls of METHOD are carried out, and their connection is closed without an answer.",
  ),
  garbage: callFault("garbage", "garbage", "Calls of METHOD are answered with something unreadable."),
  close: callFault("close", "close", "Calls of METHOD see their connection closed."),
  "http-500": callFault("http-500", "http-500", "Calls of METHOD are answered with HTTP 500."),
  "http-429": callFault("http-429", "http-429", "Calls of METHOD are answered with HTTP 429: too many."),
  slow: callFault("slow", "answer", "Calls of METHOD are answered late.", " [by=5s]"),
  clock: {
    usage: "clock HOST AHEAD",
    help: "The host's own clock goes wrong: 5m ahead of the pool's, -5m behind it; 0s sets it right.",
    least: 2,
    most: 2,
    run: (model, [name = "", ahead = ""]) => {
      const host = findHost(model, name);
      const behind = ahead.startsWith("-");
      model.faults.setClock(host, (behind ? -1 : 1) * readDuration(behind ? ahead.slice(1) : ahead));
      return `the clock of ${nameOf(model, "host", host)} is ${ahead} ahead`;
    },
  },
  "end-faults": {
    usage: "end-faults",
    help: "Ends the faults of calls, coming migrations, hosts, their clocks and data sources.",
    least: 0,
    most: 0,
    run: (model) => {
      model.faults.clear();
      return "no faults are left";
    },
  },
};

function callFault(name: string, answer: AnswerFault, help: string, more = ""): PoolCommand {
  return {
    usage: `${name} METHOD [times=N] [host=HOST]${more}`,
    help: `${help} Once, or N times, or times=always.`,
    least: 1,
    most: 1,
    run: (model, [pattern = ""], settings) => {
      const host = settings.get("host");
      const delayMs = name === "slow" ? readDuration(settings.get("by") ?? "5s") : 0;
      const timesLeft = readTimes(settings.get("times"));
      const hostRef = host === undefined ? null : findHost(model, host);
      model.faults.addCallFault({ pattern, hostRef, answer, delayMs, timesLeft });
      return `${pattern}: ${name}, ${timesLeft === Number.POSITIVE_INFINITY ? "always" : `${timesLeft} times`}`;
    },
  };
}

/** How often a fault hits: once by default. */
export function readTimes(text: string | undefined): number {
  if (text === undefined) return 1;
  if (text === "always") return Number.POSITIVE_INFINITY;
  const times = Number(text);
  if (Number.isInteger(times) && times > 0) return times;
  throw new AppError("usage", `times=${text}: must be a number from 1, or always`);
}
