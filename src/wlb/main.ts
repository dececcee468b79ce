#!/usr/bin/env node
import { runProgram } from "../program/program.ts";
import { wlbProgram } from "./program.ts";

await runProgram("xcp-wlb", wlbProgram);
