// The plan as a table: its columns, what a cell shows, and which rows a filter leaves.

import * as words from "./words.js";

export const key = (row) => `${row.stock_code}\u0000${row.store ?? ""}`;
export const moves = (row) => Math.abs(row.optimal_price - row.current_price) >= 0.005;
export const priceOf = (row) => row.typed ?? row.optimal_price;
const stands = (row, ...verdicts) => Boolean(row.decision?.stands && verdicts.includes(row.decision.decision));

export const SHOWN = {
  open: (row) => (moves(row) && !row.decision?.stands) || row.typed != null,
  moves,
  accepted: (row) => stands(row, "accept", "set"),
  rejected: (row) => stands(row, "reject"),
  all: () => true,
};

function make(tag, text = "", attributes = {}) {
  const node = Object.assign(document.createElement(tag), { textContent: text });
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function lines(...texts) {
  const node = document.createElement("div");
  texts.forEach((text, index) => node.append(make(index ? "small" : "span", text)));
  return node;
}

const number = (field, show, below) => ({
  field,
  sorter: "number",
  hozAlign: "right",
  headerHozAlign: "right",
  formatter: (cell) => {
    const row = cell.getData();
    return row[field] == null || (field === "gain" && !row.gain && !moves(row)) ? "–" : lines(show(row[field]), below ? below(row) : "");
  },
});
const between = (name, show) => (row) => (row[`${name}_low`] == null ? "" : words.interval(row[`${name}_low`], row[`${name}_high`], show));
const own = (row) => row.typed != null && Math.abs(row.typed - row.optimal_price) >= 0.005;
// At a price of one's own the plan's numbers do not hold: they are left out.
const planned = (column) => ({ ...column, formatter: (cell) => (own(cell.getData()) ? lines("–", "at the plan’s price only") : column.formatter(cell)) });
const change = (row) => priceOf(row) - row.current_price;

const decided = { accept: "accepted", reject: "rejected", set: "set", withdraw: "" };
export function decision(row) {
  const it = row.decision;
  if (!it) return ["", ""];
  const price = it.decision === "set" ? ` to ${words.money(it.price)}` : "";
  const what = it.stands ? `${decided[it.decision]}${price}` : `was ${decided[it.decision]}${price}; the plan has changed`;
  return [what, `${it.by}, ${words.day(it.at)}${it.reason ? `: ${it.reason}` : ""}`];
}

export function evidence(row) {
  if (row.asked_weeks) return [`asked in ${row.asked_weeks} ${row.asked_weeks === 1 ? "week" : "weeks"}`, `last ${words.day(row.asked_last)}`];
  return ["never asked", row.asked_nearest == null ? "" : `nearest ${words.money(row.asked_nearest)}`];
}

function product(row) {
  const node = lines("", row.stock_code);
  const query = new URLSearchParams({ sku: row.stock_code, ...(row.store ? { store: row.store } : {}) });
  node.firstChild.append(make("a", row.description || row.stock_code, { href: `/?${query}` }));
  return node;
}

function tick(cell) {
  const row = cell.getRow();
  const box = make("input", "", { type: "checkbox", "aria-label": `select ${words.item(row.getData())}` });
  box.checked = row.isSelected();
  box.onclick = (event) => event.stopPropagation();
  box.onchange = () => row.toggleSelect();
  return box;
}

export function columns(rows, typed) {
  const wide = window.innerWidth > 900; // a phone scrolls sideways as a whole
  const has = (name) => rows.some((row) => row[name] != null);
  const text = (title, field, width, show, sorter = "string") => ({ title, field, width, sorter, formatter: (cell) => lines(...show(cell.getData())), tooltip: (event, cell) => show(cell.getData()).filter(Boolean).join("; ") });
  const columns = [
    { field: "tick", title: "Select", titleFormatter: () => make("span", "✓", { "aria-label": "selected" }), formatter: tick, headerSort: false, width: 46, hozAlign: "center", frozen: wide, resizable: false },
    { title: "Product", field: "description", sorter: "string", width: wide ? 210 : 150, frozen: wide, formatter: (cell) => product(cell.getData()) },
    { title: "Price now", width: 100, ...number("current_price", words.money) },
    {
      title: "New price", width: 118, field: "typed", hozAlign: "right", headerHozAlign: "right", cssClass: "priced", editor: typed.editor, cellEdited: typed.edited,
      sorter: (a, b, one, two) => priceOf(one.getData()) - priceOf(two.getData()),
      formatter: (cell) => lines(words.money(priceOf(cell.getData())), own(cell.getData()) ? `plan ${words.money(cell.getData().optimal_price)}` : ""),
    },
    { title: "Change", width: 96, field: "change", hozAlign: "right", headerHozAlign: "right", sorter: (a, b, one, two) => change(one.getData()) / one.getData().current_price - change(two.getData()) / two.getData().current_price,
      formatter: (cell) => (Math.abs(change(cell.getData())) < 0.005 ? "–" : lines(words.gained(change(cell.getData())), words.share(change(cell.getData()) / cell.getData().current_price))) },
    { title: "Gain a week", width: 160, ...planned(number("gain", words.gained, between("gain", words.gained))) },
    { title: "Probability", width: 165, ...planned({ field: "uplift_probability", sorter: "number", formatter: (cell) => { const row = cell.getData(); return moves(row) && row.uplift_probability != null ? lines(...words.likely(row.uplift_probability).split(", ")) : "–"; } }) },
    { ...text("Asked before", "asked_weeks", 150, (row) => (moves(row) ? evidence(row) : ["–"]), "number") },
    text("Decision", "decided", 190, decision),
    { title: "Units now", width: 105, ...number("units_now", words.units, between("units_now", words.units)) },
    { title: "Units then", width: 105, ...planned(number("expected_units", words.units, between("units", words.units))) },
    { title: "Sales now", width: 150, ...number("current_expected_sales", words.money, between("sales_now", words.money)) },
    { title: "Sales then", width: 150, ...planned(number("expected_sales", words.money, between("sales", words.money))) },
  ];
  if (has("profit_now")) columns.push({ title: "Profit now", width: 120, ...number("profit_now", words.money) });
  if (has("profit")) columns.push({ title: "Profit then", width: 130, ...planned(number("profit", words.money, between("profit", words.money))) });
  if (has("family")) columns.push(text("Category", "family", 130, (row) => [row.family ?? "–"]));
  if (has("store")) columns.splice(2, 0, text("Store", "store", 90, (row) => [row.store ?? "–"]));
  columns.push(text("Reason", "reason", 260, (row) => [row.reason]));
  if (has("rules")) columns.push(text("Rule that binds", "rules", 150, (row) => [row.rules ?? "–"]));
  return columns;
}
