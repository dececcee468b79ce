#!/usr/bin/env node
import { runProgram } from "../program/program.ts";
import { collectProgram } from "./program.ts";

await runProgram("xcp-collect", collectProgram);
