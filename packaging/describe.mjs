// Loaded before a program (node --import): in the place of reading its arguments the program's command tree is written on
// standard output, as commander knows it, and the program ends. So man pages and completion say what --help says.
import { writeSync } from "node:fs";
import { Command } from "commander";

const help = new Command().createHelp();

function option(each) {
  return {
    short: each.short ?? null,
    long: each.long ?? null,
    value: /[<[](.+?)[>\]]$/.exec(each.flags)?.[1]?.replace(/\.\.\.$/, "") ?? null,
    choices: each.argChoices ?? [],
    description: help.optionDescription(each),
  };
}

/** What --help writes before and behind what commander makes by itself. */
function around(command) {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) });
  const own = command.helpInformation();
  command.outputHelp();
  const [before = "", after = ""] = text.split(own);
  return { before, after };
}

function describe(command) {
  return {
    name: command.name(),
    description: command.description(),
    usage: command
      .usage()
      .split("\n")
      .map((line) => line.trim()),
    options: help.visibleOptions(command).map(option),
    commands: help.visibleCommands(command).map(describe),
    ...around(command),
  };
}

Command.prototype.parse = function () {
  writeSync(1, JSON.stringify(describe(this)));
  process.exit(0);
};
Command.prototype.parseAsync = Command.prototype.parse;
