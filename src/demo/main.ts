#!/usr/bin/env node
/** The demo: sets a stage up, plays the story that was asked for, and takes the stage down again, also after Ctrl-C. */
import process from "node:process";
import { AppError, exitCode } from "../domain/errors.ts";
import { runProgram } from "../program/program.ts";
import { playWlb, wlbPlay } from "./balanced.ts";
import { nightPlay, playNight } from "./night.ts";
import { buildStage, type Play, type Stage } from "./stage.ts";
import { type Audience, playStory, thesisPlay } from "./story.ts";

interface Story {
  readonly play: Play;
  readonly perform: (stage: Stage, audience: Audience) => Promise<void>;
}

const stories: ReadonlyMap<string, Story> = new Map([
  ["thesis", { play: thesisPlay, perform: playStory }],
  ["green", { play: nightPlay, perform: playNight }],
  ["wlb", { play: wlbPlay, perform: playWlb }],
]);

await runProgram("demo", async (context) => {
  const name = process.argv[2] ?? "thesis";
  const story = stories.get(name);
  if (story === undefined) {
    throw new AppError("usage", `there is no demo ${name}; there are ${[...stories.keys()].join(", ")}`);
  }
  const stage = await buildStage(story.play, context.warn);
  try {
    await story.perform(stage, {
      write: (text) => void process.stdout.write(text),
      signal: context.signal,
    });
  } finally {
    await stage.close();
  }
  return exitCode.done;
});
