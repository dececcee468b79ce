/**
 * How pages look: on a screen by day and by night, and on A4. Ramp and colours are told apart by whoever sees no red or
 * no green: the ramps by lightness alone, the ends of migrations by the line's kind as well. Pure.
 */

/** Levels of the heat map, from the lowest to the highest. */
export const heatLevels = 10;

const byDay = {
  page: "#f3f5f8",
  card: "#ffffff",
  ink: "#17212b",
  soft: "#566575",
  line: "#dde3ea",
  accent: "#0b5cad",
  band: "#e3eef8",
  past: "#fbe3d6",
  good: "#0072b2",
  bad: "#c44e00",
  held: "#8e4a83",
  open: "#6b6b6b",
  sleep: "#5b7db1",
  none: "#eef1f4",
};

const byNight: typeof byDay = {
  page: "#0f151b",
  card: "#182029",
  ink: "#e6ecf2",
  soft: "#a3b3c2",
  line: "#313d49",
  accent: "#7cbcf5",
  band: "#1d3246",
  past: "#3d2519",
  good: "#5ab4f0",
  bad: "#ff9457",
  held: "#d9a0d0",
  open: "#a0a0a0",
  sleep: "#7f9fd1",
  none: "#222c36",
};

/** Lightness falls from step to step. */
const heatByDay = [
  "#fdf6e0",
  "#feeab9",
  "#fedb8c",
  "#fec762",
  "#fdab3d",
  "#f58b23",
  "#e36a12",
  "#c44c08",
  "#963706",
  "#5f2005",
];

/** Lightness rises from step to step. */
const heatByNight = [
  "#262233",
  "#3a2450",
  "#54266a",
  "#702c70",
  "#8f3870",
  "#b0476a",
  "#d25c58",
  "#ec7c44",
  "#f9a63a",
  "#fbdc6b",
];

/** Up to eight hosts, each with a line of its own (after Okabe and Ito). */
const linesByDay = ["#0072b2", "#d55e00", "#007f5f", "#a6508a", "#8a6d00", "#3a93c9", "#333f4b", "#8c564b"];
const linesByNight = ["#5ab4f0", "#ff9457", "#3fcfa4", "#e19bd0", "#e6c34a", "#9ed4ff", "#d5dde5", "#d3a199"];

function variables(
  colours: Readonly<Record<string, string>>,
  heat: readonly string[],
  lines: readonly string[],
): string {
  return [
    ...Object.entries(colours).map(([name, colour]) => `--${name}:${colour}`),
    ...heat.map((colour, level) => `--h${level}:${colour}`),
    ...lines.map((colour, index) => `--l${index}:${colour}`),
  ].join(";");
}

/** Lines of several hosts differ in their dashes too. */
const dashes = ["none", "7 3", "2 3", "9 3 2 3", "none", "7 3", "2 3", "9 3 2 3"];

export const styleSheet: string = `
:root{color-scheme:light dark;${variables(byDay, heatByDay, linesByDay)}}
@media screen and (prefers-color-scheme:dark){:root{${variables(byNight, heatByNight, linesByNight)}}}
@page{size:A4;margin:13mm 12mm}
*{box-sizing:border-box}
html{background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Noto Sans","Liberation Sans",sans-serif;-webkit-text-size-adjust:100%;print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{margin:0 auto;max-width:1072px;padding:28px 20px 48px;overflow-wrap:anywhere}
header{margin:0 4px 20px}
h1{font-size:27px;line-height:1.2;margin:0 0 6px;font-weight:650;letter-spacing:-.01em}
h2{font-size:18px;line-height:1.3;margin:0 0 4px;font-weight:650}
h3{font-size:14.5px;margin:18px 0 4px;font-weight:650}
p{margin:0 0 10px}
.lead,.finding,.note,footer{color:var(--soft)}
.lead{margin:0}
.finding{max-width:74ch;margin-bottom:14px}
.note{font-size:13px;margin:8px 0 0}
.finding b,.note b{color:var(--ink);font-weight:600}
section,.tiles{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px 22px;margin:0 0 18px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(136px,1fr));gap:14px 20px;margin:0 0 18px}
.tile b{display:block;font-size:24px;line-height:1.2;font-weight:650;font-variant-numeric:tabular-nums;letter-spacing:-.01em}
.tile span{display:block;color:var(--soft);font-size:13px;line-height:1.4}
.tile .name{color:var(--ink);font-weight:600}
nav{margin:12px 0 0;font-size:13.5px}
nav a{display:inline-block;margin:0 14px 4px 0}
a{color:var(--accent);text-decoration:none}
a:hover,a:focus{text-decoration:underline}
.picture{overflow-x:auto;margin:6px 0}
.picture svg{display:block;width:100%;height:auto;min-width:560px}
.picture svg.narrow{width:auto;max-width:100%;min-width:0}
svg text{font-size:12px;fill:var(--soft);font-family:inherit}
svg text.tight{font-size:10.5px}
svg text.strong{fill:var(--ink);font-weight:600}
svg text.ink{fill:var(--ink)}
svg text.past{fill:var(--bad);font-weight:600;paint-order:stroke;stroke:var(--card);stroke-width:3.5px;stroke-linejoin:round}
svg title{pointer-events:none}
.axis line{stroke:var(--line);stroke-width:1}
.none{fill:var(--none)}
.band{fill:var(--band)}
.beyond{fill:var(--past)}
.limit{fill:none;stroke:var(--bad);stroke-width:1.6;stroke-dasharray:6 4}
.meanline{fill:none;stroke:var(--ink);stroke-width:2;stroke-linejoin:round}
.range{fill:var(--accent);fill-opacity:.16;stroke:none}
.topline{fill:none;stroke:var(--accent);stroke-width:2;stroke-linejoin:round}
.peakline{fill:none;stroke:var(--accent);stroke-width:1;stroke-dasharray:2 2;stroke-opacity:.8}
.zero{stroke:var(--soft);stroke-width:1}
.lane{stroke:var(--line);stroke-width:1}
.spot{fill:transparent}
.spot:hover{fill:var(--ink);fill-opacity:.07}
.move path{fill:none;stroke-width:1.6}
.move path.head{stroke:none}
.many .move path{stroke-width:.9}
.many .succeeded path{stroke-opacity:.5}
.many .succeeded path.head{fill-opacity:1}
.succeeded path,path.succeeded,circle.succeeded{stroke:var(--good)}
.succeeded .head,circle.succeeded,rect.succeeded{fill:var(--good)}
.failed path,path.failed{stroke:var(--bad);stroke-dasharray:5 3}
.failed .head,rect.failed{fill:var(--bad)}
.refused path,path.refused{stroke:var(--held);stroke-dasharray:1.5 2.5}
.refused .head,rect.refused{fill:var(--held)}
.open path,path.open{stroke:var(--open)}
.open .head{fill:var(--open)}
path.key,.key path{fill:none;stroke-width:2.2}
.key path.range,.key path.band,.key path.beyond{stroke-width:11;stroke-opacity:1}
.key path.range{stroke:var(--accent);stroke-opacity:.2}
.key path.band{stroke:var(--band)}
.key path.beyond{stroke:var(--past)}
.key path.sleep{stroke:var(--sleep);stroke-width:9}
.key path.barkey{stroke:var(--accent);stroke-width:9}
.key path.barkey.was{stroke-opacity:.32}
.key path.barkey.over{stroke:var(--bad)}
.key path.peakline{stroke-width:1.4}
.move:hover path,.many .move:hover path{stroke-width:3;stroke-opacity:1}
.before{fill:var(--card);stroke:var(--soft);stroke-width:2}
.after{fill:var(--good);stroke:var(--good);stroke-width:2}
.after.worse{fill:var(--bad);stroke:var(--bad)}
.join{stroke:var(--soft);stroke-width:1.5}
.dot{fill:var(--good);fill-opacity:.6;stroke:var(--card);stroke-width:.7}
.dot.failed{fill:var(--bad)}
.sleep{fill:var(--sleep)}
.bar{fill:var(--accent)}
.bar.was{fill:var(--accent);fill-opacity:.32}
.bar.over{fill:var(--bad)}
.bar.was.over{fill:var(--bad);fill-opacity:.4}
${heatByDay.map((_, level) => `.h${level}{fill:var(--h${level})}`).join("\n")}
${linesByDay.map((_, index) => `.l${index}{fill:none;stroke:var(--l${index});stroke-width:1.9;stroke-linejoin:round;stroke-dasharray:${dashes[index] ?? "none"}}`).join("\n")}
.legend{list-style:none;margin:6px 0 0;padding:0;font-size:13px;color:var(--soft)}
.legend li{display:inline-block;margin:0 18px 4px 0}
.legend svg{display:inline-block;vertical-align:-1px;margin-right:7px}
.table{overflow-x:auto;margin:10px 0 0}
table{border-collapse:collapse;width:100%;font-size:13.5px;line-height:1.4}
caption{text-align:left;font-weight:600;padding:6px 0 4px}
th,td{text-align:left;vertical-align:top;padding:5px 14px 5px 0;border-bottom:1px solid var(--line)}
th{color:var(--soft);font-weight:500;font-size:12.5px;white-space:nowrap}
th:last-child,td:last-child{padding-right:0}
td{min-width:4ch}
td.name{min-width:11ch}
td.long{min-width:22ch}
.change{display:block;color:var(--soft);font-size:12.5px;white-space:nowrap;font-variant-numeric:tabular-nums}
.figure{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.time{white-space:nowrap;font-variant-numeric:tabular-nums}
.state{font-weight:600;white-space:nowrap}
.state.succeeded{color:var(--good)}
.state.failed{color:var(--bad)}
.state.refused{color:var(--held)}
.state.open{color:var(--open)}
.meter{display:block;width:120px;height:10px}
.meter rect{rx:2}
code,pre{font:13px/1.5 ui-monospace,"SFMono-Regular","DejaVu Sans Mono","Liberation Mono",Menlo,monospace}
pre{background:var(--page);border:1px solid var(--line);border-radius:6px;padding:10px 12px;margin:6px 0 10px;white-space:pre-wrap}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:3px 18px;margin:0;font-size:14px}
dt{color:var(--soft)}
dd{margin:0}
dl.settings{grid-template-columns:max-content minmax(0,1fr) max-content minmax(0,1fr);font-size:13px}
.lines{margin:0;padding-left:20px;font-size:14px}
.lines li{margin:0 0 4px}
.lines .inner{margin-left:18px;color:var(--soft)}
footer{font-size:12.5px;margin:4px 4px 0}
@media (max-width:640px){body{padding:14px 10px 30px}section,.tiles{padding:14px 13px}dl,dl.settings{grid-template-columns:minmax(0,1fr)}dd{margin-bottom:6px}}
@media print{
html{background:#fff;font-size:11px}
body{max-width:none;padding:0}
h1{font-size:20px}h2{font-size:14px}h3{font-size:12px}
nav{display:none}
section,.tiles{border:0;border-top:1px solid var(--line);border-radius:0;padding:10px 0 4px;margin:0 0 8px}
.tiles{grid-template-columns:repeat(4,1fr)}.tile b{font-size:18px}.tile span{font-size:10.5px}
.finding,.note{max-width:none}
.note,.legend,footer{font-size:10px}
.picture,.tiles,tr,h2,h3,.legend{break-inside:avoid}
h2,h3,.finding,caption{break-after:avoid}
thead{display:table-header-group}
.picture{overflow:visible;margin:2px 0}.picture svg{min-width:0;max-height:238mm}
.picture svg text{font-size:13px}.picture svg text.tight{font-size:10.5px}
.table{overflow:visible}
table{font-size:10.5px}th{font-size:10px}th,td{padding:3px 9px 3px 0}
.change{font-size:9.5px}td.name{min-width:9ch}td.long{min-width:14ch}
code,pre{font-size:10px}dl{font-size:11px}
a{color:inherit}
}
`;
