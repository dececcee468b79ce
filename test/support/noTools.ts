/** For commands that ask of nothing but their own database. */
import type { ManagerTools } from "../../src/manager/command.ts";

const notAsked = () => Promise.reject(new Error("no command of this test asks for it"));

export const noTools: ManagerTools = { diagnose: notAsked, pools: notAsked };
