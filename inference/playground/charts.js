// The three charts. Colours come from the page's style, so that light and dark agree with it.

import { money, spoken, units } from "./words.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const CONFIG = { displayModeBar: false, responsive: true };

// Decimal and thousands signs of the shop's locale, as the chart library takes them.
function separators() {
  const parts = new Intl.NumberFormat(spoken().locale).formatToParts(1234567.8);
  const sign = (type) => parts.find((part) => part.type === type)?.value ?? "";
  return `${sign("decimal")}${sign("group")}`;
}

// A line that is solid over prices that were paid, and dotted beyond. The two meet at the ends of what was paid.
function seenAndGuessed(x, y, name, line, seen) {
  const whole = { x, y, name, mode: x.length > 2 ? "lines" : "lines+markers" };
  if (!seen || x.length < 3) return [{ ...whole, line }];
  const known = x.map((price) => price >= seen[0] * 0.995 && price <= seen[1] * 1.005);
  const over = (keep) => y.map((value, index) => (keep(index) ? value : null));
  const guessed = over((index) => !known[index] || !known[index - 1] || !known[index + 1]);
  const solid = { x, y: over((index) => known[index]), name: "paid before", mode: known.filter(Boolean).length > 1 ? "lines" : "markers", line, marker: { color: line.color, size: 6 }, hoverinfo: "skip" };
  const dotted = { x, y: guessed, name: "extrapolated", mode: "lines", line: { ...line, dash: "dot" }, hoverinfo: "skip" };
  return [{ ...whole, line: { ...line, width: 0 } }, dotted, solid];
}

function layout(x, y, { range, ...more } = {}) {
  const axis = { gridcolor: colour("--line"), zeroline: false, linecolor: colour("--line"), automargin: true };
  return {
    margin: { l: 48, r: 12, t: 44, b: 40 },
    separators: separators(),
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("--soft") },
    hovermode: "x unified",
    hoverlabel: { bgcolor: colour("--card"), font: { color: colour("--ink") } },
    showlegend: false,
    xaxis: { ...axis, title: { text: x }, range },
    yaxis: { ...axis, title: { text: y }, rangemode: "tozero" },
    ...more,
  };
}

// Current and optimal price as dots on a curve, at the height that the curve has there.
function dots(answer, prices, values, name) {
  const height = (price) => {
    const next = prices.findIndex((it) => it >= price);
    if (next <= 0) return next === 0 ? values[0] : values.at(-1);
    const share = (price - prices[next - 1]) / (prices[next] - prices[next - 1]);
    return values[next - 1] + share * (values[next] - values[next - 1]);
  };
  const inside = (price) => price >= prices[0] && price <= prices.at(-1);
  const shown = [[answer.current_price, colour("--soft")], ...(answer.moved ? [[answer.optimal_price, colour("--accent")]] : [])].filter(([price]) => inside(price));
  return {
    x: shown.map(([price]) => price),
    y: shown.map(([price]) => height(price)),
    name,
    mode: "markers",
    hoverinfo: "skip",
    marker: { size: 11, color: shown.map(([, color]) => color), line: { color: colour("--card"), width: 2 } },
  };
}

// Labels of "now" and "best" on sides that keep them inside the chart, and on two lines where they would meet.
function marks(answer) {
  const line = (x, text, color, dash, side) => ({
    shape: { type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line: { color, width: 2, dash } },
    note: { x, y: 1, yref: "paper", yanchor: "bottom", xanchor: side, text, showarrow: false, font: { color } },
  });
  const prices = [...answer.curve.unit_price, answer.current_price, answer.guardrail_low, answer.guardrail_high];
  const [first, last] = [Math.min(...prices), Math.max(...prices)];
  const side = (price) => ((price - first) / (last - first || 1) < 0.25 ? "left" : (price - first) / (last - first || 1) > 0.75 ? "right" : "center");
  const close = answer.moved && Math.abs(answer.optimal_price - answer.current_price) < 0.5 * (last - first || 1);
  const lines = [line(answer.current_price, `now ${money(answer.current_price)}`, colour("--soft"), "dot", side(answer.current_price))];
  if (answer.moved) lines.push(line(answer.optimal_price, `best ${money(answer.optimal_price)}`, colour("--accent"), "solid", side(answer.optimal_price)));
  if (close) lines[1].note.yshift = 15;
  const [low, high] = [answer.guardrail_low, answer.guardrail_high];
  const guard = { type: "rect", layer: "below", x0: low, x1: high, yref: "paper", y0: 0, y1: 1, fillcolor: colour("--guard"), line: { width: 0 } };
  const room = (last - first) * 0.06 || first * 0.06;
  return { range: [first - room, last + room], shapes: [guard, ...lines.map((it) => it.shape)], annotations: lines.map((it) => it.note) };
}

export function drawSales(node, answer, seen) {
  const { curve } = answer;
  const profit = answer.objective === "profit" && curve.predicted_profit != null;
  const y = profit ? curve.predicted_profit : curve.predicted_sales;
  const name = profit ? "profit a week" : "sales a week";
  const traces = seenAndGuessed(curve.unit_price, y, name, { color: colour("--brand"), width: 3 }, seen);
  node.ariaLabel = `${name} from ${money(Math.min(...y))} to ${money(Math.max(...y))} over prices from ${money(curve.unit_price[0])} to ${money(curve.unit_price.at(-1))}.`;
  Plotly.react(node, [...traces, dots(answer, curve.unit_price, y, "marks")], layout("price", name, marks(answer)), CONFIG);
}

export function drawDemand(node, answer, seen) {
  const { curve } = answer;
  const known = curve.quantity_min[0] != null;
  const line = { width: 0, shape: "spline" };
  const band = [
    { x: curve.unit_price, y: curve.quantity_max, name: "high", mode: "lines", line },
    { x: curve.unit_price, y: curve.quantity_min, name: "low", mode: "lines", line, fill: "tonexty", fillcolor: colour("--band") },
  ];
  const mean = seenAndGuessed(curve.unit_price, curve.quantity, "expected", { color: colour("--brand"), width: 3 }, seen);
  node.ariaLabel = `Expected units fall from ${units(curve.quantity[0])} at ${money(curve.unit_price[0])} to ${units(curve.quantity.at(-1))} at ${money(curve.unit_price.at(-1))}.`;
  Plotly.react(node, [...(known ? band : []), ...mean, dots(answer, curve.unit_price, curve.quantity, "marks")], layout("price", "units a week", marks(answer)), CONFIG);
}

export function drawHistory(node, history) {
  const bars = { x: history.week, y: history.quantity, name: "units", type: "bar", marker: { color: colour("--brand"), opacity: 0.55 } };
  const price = { x: history.week, y: history.unit_price, name: "price", yaxis: "y2", mode: "lines", line: { color: colour("--accent"), width: 2, shape: "hv" } };
  const second = { overlaying: "y", side: "right", rangemode: "tozero", showgrid: false, title: { text: "price" }, automargin: true };
  node.ariaLabel = `Units sold in ${history.week.length} weeks, from ${history.week[0]} to ${history.week.at(-1)}.`;
  Plotly.react(node, [bars, price], layout("", "units", { yaxis2: second, margin: { l: 48, r: 48, t: 8, b: 32 } }), CONFIG);
}
