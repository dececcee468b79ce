#!/usr/bin/env node
import { runProgram } from "../program/program.ts";
import { managerProgram } from "./program.ts";

await runProgram("xcp-manager", managerProgram);
