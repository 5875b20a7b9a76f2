// How past price changes came out, and what releases promised.

import * as words from "./words.js";

const percent = (log) => words.share(Math.exp(log) - 1);
const part = (value) => words.share(value).slice(1);
const inside = (it) => it.realised_log_change >= it.predicted_low && it.realised_log_change <= it.predicted_high;

export function proofWords({ proof, changes }) {
  if (!changes.length) return "No price changed in the last weeks that can be held against what the curves said: nothing is proved yet.";
  if (proof.mean == null) return `${words.whole(changes.length)} price changes of the last weeks are too few to judge the curves by.`;
  const trust = proof.trust < 1 ? ` Promised gains are cut to ${part(proof.trust)}.` : "";
  return `Of the effects of ${words.whole(proof.changes)} past price changes ${part(proof.mean)} came true (90 %: ${part(proof.low)} to ${part(proof.high)}); ${part(proof.coverage)} of them lay inside their 90 % interval.${trust}`;
}

function table(headings, lines) {
  const line = (tag, texts) => {
    const row = document.createElement("tr");
    row.append(...texts.map((text) => Object.assign(document.createElement(tag), { textContent: text })));
    return row;
  };
  const head = line("th", headings);
  for (const cell of head.children) cell.scope = "col";
  return [head, ...lines.map((texts) => line("td", texts))];
}

export function changesTable(changes) {
  const headings = ["Product", "Week", "Price", "Units predicted", "90 %", "Units realised", "Inside"];
  return table(headings, changes.slice(0, 500).map((it) => [
    words.item(it), words.day(it.week), `${words.money(it.price_before)} → ${words.money(it.price_after)}`, percent(it.predicted_log_change),
    words.interval(it.predicted_low, it.predicted_high, percent), percent(it.realised_log_change), inside(it) ? "yes" : "no",
  ]));
}

export function promisesTable(promises) {
  const known = (value, show) => (value == null ? "–" : show(value));
  return table(["Release", "Served since", "Moves", "Sales a week", "90 %"], promises.map((it) => [
    it.release, it.served_since ? words.day(it.served_since) : "–", known(it.moved, (moved) => `${words.whole(moved)} of ${words.whole(it.skus)}`), known(it.uplift, words.share),
    it.uplift_low == null ? "–" : words.interval(it.uplift_low, it.uplift_high, words.share),
  ]));
}

export async function drawChanges(node, changes) {
  await plotly();
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const [x, y] = ["predicted_log_change", "realised_log_change"].map((name) => changes.map((it) => 100 * (Math.exp(it[name]) - 1)));
  const ends = [Math.min(...x), Math.max(...x)];
  const axis = (text) => ({ title: { text }, ticksuffix: " %", gridcolor: colour("--line"), zerolinecolor: colour("--soft"), automargin: true });
  const points = { x, y, mode: "markers", name: "changes", text: changes.map(words.item), marker: { color: colour("--brand"), size: 7, opacity: 0.6 } };
  const line = { x: ends, y: ends, mode: "lines", name: "as predicted", hoverinfo: "skip", line: { color: colour("--accent"), width: 2, dash: "dot" } };
  node.ariaLabel = `${changes.length} price changes: units as predicted from ${words.whole(ends[0])} to ${words.whole(ends[1])} per cent, against what was realised.`;
  const font = { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("--soft") };
  Plotly.react(node, [points, line], { font, margin: { l: 56, r: 12, t: 12, b: 44 }, showlegend: false, paper_bgcolor: "transparent", plot_bgcolor: "transparent", xaxis: axis("units, predicted"), yaxis: axis("units, realised") }, { displayModeBar: false, responsive: true });
}

// The chart library is large: it comes when it is needed.
function plotly() {
  if (window.Plotly) return Promise.resolve();
  return new Promise((resolve, reject) => document.head.append(Object.assign(document.createElement("script"), { src: "/plotly.min.js", onload: resolve, onerror: reject })));
}
