#!/usr/bin/env node
import { runProgram } from "../program/program.ts";
import { controlProgram } from "./program.ts";

await runProgram("xcp-control", controlProgram);
