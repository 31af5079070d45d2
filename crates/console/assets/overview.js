// The overview's plot: drawn from the table that stands on the page, in the page's own colours. Without it the table is there.

// Times, then answered, degraded, refused and failed, of the table's rows.
export const columns = (rows) => {
  const points = rows.map((row) => [Number(row.dataset.at), row.dataset.values.split(" ").map(Number)]);
  const column = (of) => points.map(([, values]) => of(values));
  return [
    points.map(([at]) => at),
    column(([answered]) => answered),
    column(([, degraded]) => degraded),
    column(([, , refused]) => refused),
    column(([, , , failed]) => failed),
  ];
};

const draw = (plot) => {
  const table = document.getElementById("points");
  if (!table || typeof uPlot === "undefined") return undefined;
  const style = getComputedStyle(plot);
  // A canvas knows no custom properties: an element of the page resolves them, light or dark.
  const probe = plot.appendChild(document.createElement("span"));
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const [jade, amber, indigo, vermilion, soft, line] = ["jade", "amber", "indigo", "vermilion", "soft", "line"].map(colour);
  probe.remove();
  const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent);
  const number = new Intl.NumberFormat(document.documentElement.lang);
  const time = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = new Intl.DateTimeFormat(document.documentElement.lang, { month: "numeric", day: "numeric" });
  const rows = [...table.querySelectorAll("tbody tr")];
  const span = Number(rows.at(-1)?.dataset.at ?? 0) - Number(rows[0]?.dataset.at ?? 0);
  const brief = (seconds) => (span > 2 * 86400 ? day : clock).format(new Date(seconds * 1000));
  const value = (_, raw) => (raw === null || raw === undefined ? "–" : number.format(raw));
  const of = (label, stroke, fill) => ({ label, stroke, fill, width: 1.6, value, points: { show: false } });
  const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: `12px ${style.fontFamily}` };
  const faint = (rgb) => rgb.replace(/^rgb\(/, "rgba(").replace(/\)$/, ", 0.14)");
  const wishes = {
    width: plot.clientWidth,
    height: 240,
    cursor: { y: false },
    scales: { y: { range: (_, __, max) => [0, Math.max(4, max * 1.1)] } },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map(brief) },
      { ...axis, size: 60, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? number.format(tick) : "")) },
    ],
    series: [
      { label: heads[0], value: (_, raw) => (raw ? time.format(new Date(raw * 1000)) : "–") },
      of(heads[1], jade, faint(jade)),
      of(heads[2], amber),
      of(heads[3], indigo),
      of(heads[4], vermilion),
    ],
  };
  return new uPlot(wishes, columns(rows), plot);
};

const show = () => {
  const plot = document.getElementById("plot");
  if (!plot) return;
  let drawn = draw(plot);
  const again = () => {
    drawn?.destroy();
    drawn = draw(plot);
  };
  document.getElementById("series").addEventListener("renewed", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  let width = plot.clientWidth;
  new ResizeObserver(() => {
    if (plot.clientWidth === width) return;
    width = plot.clientWidth;
    drawn?.setSize({ width, height: 240 });
  }).observe(plot);
};

// Where there is no page, only the pure parts are wanted.
if (typeof document !== "undefined") addEventListener("load", show);
