#!/usr/bin/env node
/** The demo: sets a stage up, plays the story, and takes the stage down again, also after Ctrl-C. */
import process from "node:process";
import { exitCode } from "../errors.ts";
import { runProgram } from "../program.ts";
import { buildStage } from "./stage.ts";
import { playStory } from "./story.ts";

await runProgram("demo", async (context) => {
  const stage = await buildStage(context.warn);
  try {
    await playStory(stage, { write: (text) => void process.stdout.write(text), signal: context.signal });
  } finally {
    await stage.close();
  }
  return exitCode.done;
});
