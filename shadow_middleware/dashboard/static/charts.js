// Draws the charts with uPlot. The numbers come from the server and stand below in a table.
"use strict";

(() => {
  const charts = new Map();
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const percent = (value) => (value == null ? "–" : `${(value * 100).toFixed(value > 0.9995 && value < 1 ? 2 : 1).replace(/\.0$/, "")} %`);
  const ms = (value) => (value == null ? "–" : `${value < 1 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : Math.round(value)} ms`);
  const count = (value) => (value == null ? "–" : value.toLocaleString("en"));
  const stepped = (points) => (points.at.length > 60 ? undefined : { size: 5, show: true });

  const few = (points) => ({ show: points.at.length < 3 });

  const line = (label, colour, format, more = {}) => ({
    label, stroke: () => token(colour), width: 2, value: (_, value) => format(value), ...more,
  });

  // Few steps stand at the right, and do not fill the width as if they were many.
  const spanOf = ({ at, step }) => [Math.min(at[0], at.at(-1) - 11 * step), at.at(-1) + step];

  // One kind for each chart: its series, bands and the data in uPlot's order.
  const KINDS = {
    rate: (points) => ({
      format: percent,
      range: (_, low) => [Math.max(0, Math.min(low ?? 0, 0.99) - 0.02), 1],
      data: [points.at, points.high, points.low, points.rate],
      series: [
        line("upper bound", "--band-line", percent, { width: 1, points: few(points) }),
        line("lower bound", "--band-line", percent, { width: 1, points: few(points) }),
        line("match rate", "--o-match", percent, { points: stepped(points) }),
      ],
      bands: [{ series: [1, 2], fill: () => token("--band") }],
    }),
    outcomes: (points) => {
      const kind = { points };
      const names = Object.keys(points.outcomes);
      const stacked = [];
      names.forEach((name, i) => {
        stacked.push(points.outcomes[name].map((value, j) => value + (i ? stacked[i - 1][j] : 0)));
      });
      const paths = uPlot.paths.bars({ size: [0.92, 40], align: 1 });
      return Object.assign(kind, {
        format: count,
        range: (_, __, high) => [0, Math.max(1, high ?? 1)],
        // The tallest is drawn first, so that each lower one stands before it.
        data: [points.at, ...stacked.slice().reverse()],
        series: names.slice().reverse().map((name) => ({
          label: name.replaceAll("_", " "),
          fill: () => token(`--o-${name}`),
          width: 0,
          stroke: () => token(`--o-${name}`),
          points: { show: false },
          paths,
          value: (_, __, ___, index) => (index == null ? "–" : count(kind.points.outcomes[name]?.[index])),
        })),
      });
    },
    latency: (points) => ({
      format: ms,
      range: (_, __, high) => [0, Math.max(0.1, (high ?? 1) * 1.05)],
      data: [points.at, ...["p50", "p95", "p99"].flatMap((q) => [points.live[q], points.shadow[q]])],
      series: ["p50", "p95", "p99"].flatMap((q, i) => [
        line(`live ${q}`, "--live", ms, { width: 1 + (2 - i) * 0.5, dash: [[], [7, 4], [2, 3]][i], points: few(points) }),
        line(`shadow ${q}`, "--shadow", ms, { width: 1 + (2 - i) * 0.5, dash: [[], [7, 4], [2, 3]][i], points: few(points) }),
      ]),
    }),
  };

  const two = (number) => String(number).padStart(2, "0");

  // `14:05`, with the day below where it is another one than before.
  function tick(at, before, step) {
    const now = new Date(at * 1000), last = before == null ? null : new Date(before * 1000);
    const day = `${two(now.getDate())} ${now.toLocaleString("en", { month: "short" })}`;
    if (step >= 86400) return day;
    const time = `${two(now.getHours())}:${two(now.getMinutes())}${step < 60 ? `:${two(now.getSeconds())}` : ""}`;
    return !last || last.getDate() !== now.getDate() ? `${time}\n${day}` : time;
  }

  const axis = (more) => ({
    stroke: () => token("--muted"),
    grid: { stroke: () => token("--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
    ...more,
  });

  function options(kind, width) {
    return {
      width, height: 220,
      cursor: { y: false, drag: { x: false, y: false } },
      scales: {
        x: { range: () => kind.span() },
        y: { range: (plot, low, high) => kind.range(plot, low, high) },
      },
      legend: { live: true },
      axes: [
        axis({ space: 64, values: (_, ticks, __, ___, step) => ticks.map((at, i) => tick(at, ticks[i - 1], step)) }),
        axis({ size: 62, values: (_, ticks) => ticks.map(kind.format) }),
      ],
      series: [{ value: (_, at) => (at == null ? "–" : new Date(at * 1000).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" })) }, ...kind.series],
      bands: kind.bands,
    };
  }

  function draw(holder, points) {
    if (!points.at.length) return holder.replaceChildren();
    const kind = KINDS[holder.dataset.kind](points);
    kind.span = () => spanOf(points);
    const shape = kind.series.map((one) => one.label).join();
    const known = charts.get(holder.id);
    if (known && known.holder === holder && known.shape === shape) {
      known.kind.span = kind.span;
      known.kind.range = kind.range;
      known.kind.points = points;
      return known.plot.setData(kind.data);
    }
    known?.plot.destroy();
    holder.replaceChildren();
    const plot = new uPlot(options(kind, holder.clientWidth || 320), kind.data, holder);
    charts.set(holder.id, { plot, holder, shape, kind });
  }

  window.drawCharts = (root) => {
    root.querySelectorAll("[data-points-for]").forEach((one) => {
      const holder = document.getElementById(one.dataset.pointsFor);
      if (holder) draw(holder, JSON.parse(one.dataset.points));
    });
    charts.forEach(({ holder, plot }, id) => {
      if (!holder.isConnected) { plot.destroy(); charts.delete(id); }
    });
  };

  const fit = () => charts.forEach(({ plot, holder }) => {
    if (holder.clientWidth && holder.clientWidth !== plot.width) plot.setSize({ width: holder.clientWidth, height: 220 });
  });
  window.addEventListener("resize", fit);
  // Colours are read when lines are drawn: another scheme only needs drawing again.
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    charts.forEach(({ plot }) => plot.redraw(false, true));
  });
})();
