// The desk: the plan as a table, totals of what is selected, decisions, and how past prices came out.

import { TabulatorFull as Tabulator } from "/vendored/tabulator.mjs";
import * as api from "./api.js";
import { changesTable, drawChanges, promisesTable, proofWords } from "./proof.js";
import { SHOWN, columns, key, moves, priceOf } from "./rows.js";
import * as words from "./words.js";

const at = (id) => document.getElementById(id);
const MOST = 5000; // products of one question to the API
let table;
let rows = [];
let release = "";
let byKey = new Map();
let turn = 0;

function make(tag, text = "", attributes = {}) {
  const node = Object.assign(document.createElement(tag), { textContent: text });
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function showProblem(problem, done = "") {
  const content = problem.content ?? { title: "The page failed", detail: String(problem) };
  at("problem").replaceChildren(make("h2", content.title ?? "That did not work"), make("p", content.detail), make("p", content.hint ?? ""));
  at("problem").hidden = false;
  at("done").textContent = done;
}

// Loading: the first page of the plan is shown at once, the others follow.

async function load() {
  const first = await api.plan("", 500);
  words.speak(first);
  release = first.release;
  at("release").dataset.state = first.release_trouble ? "degraded" : "ok";
  at("release").textContent = `${words.whole(first.skus)} products, data up to ${first.last_week}, release ${release}`;
  at("release").title = first.release_trouble ?? "";
  showPromise(first.promise);
  take(first.plan);
  await build();
  for (let cursor = first.next_cursor; cursor !== null; ) {
    const page = await api.plan(cursor, 2000);
    if (page.release !== release) return location.reload(); // promoted meanwhile
    take(page.plan);
    cursor = page.next_cursor;
  }
  if (rows.length > first.plan.length) await table.replaceData(rows);
  offer("category", "family");
  offer("store", "store");
  at("of").append(...[...at("category").options].slice(1).map((it) => make("option", `category ${it.value}`, { value: it.value })));
}

function take(page) {
  rows.push(...page.map((row) => ({ ...row, id: key(row) })));
  byKey = new Map(rows.map((row) => [row.id, row]));
}

function offer(id, field) {
  const values = [...new Set(rows.map((row) => row[field]).filter(Boolean))].sort((a, b) => a.localeCompare(b));
  at(id).append(...values.map((value) => make("option", value, { value })));
  at(id).parentElement.hidden = !values.length;
}

function showPromise(promise) {
  if (promise?.uplift == null) return void (at("promise").textContent = "");
  const moved = `${words.whole(promise.moved)} of ${words.whole(promise.skus)} prices move`;
  const trust = promise.trust < 1 ? ` Gains are promised at ${words.share(promise.trust).slice(1)} of what the curves say: so much of past price changes came true.` : "";
  at("promise").textContent = `${moved}. All together: ${words.share(promise.uplift)} sales a week (90 %: ${words.interval(promise.uplift_low, promise.uplift_high, words.share)}).${trust}`;
  at("caveat").dataset.trust = promise.trust < 1 ? ` Totals are what the curves say, before gains are cut to ${words.share(promise.trust).slice(1)}.` : "";
}

async function build() {
  table = new Tabulator(at("plan"), {
    data: rows,
    index: "id",
    columns: columns(rows, { editor: priceEditor, edited }),
    layout: "fitData",
    height: "min(62vh, 46rem)",
    rowHeight: 54,
    initialSort: [{ column: "gain", dir: "desc" }],
    initialFilter: [{ field: shown, type: "function" }],
    placeholder: "No product is left by these filters.",
    columnDefaults: { headerSortStartingDir: "desc", vertAlign: "middle", headerWordWrap: true },
    rowFormatter: (row) => row.getElement().classList.toggle("settled", Boolean(row.getData().decision?.stands)),
  });
  table.on("dataFiltered", (_, left) => { at("count").textContent = `${words.whole(left.length)} shown`; });
  table.on("rowSelectionChanged", selected);
  for (const [event, on] of [["rowSelected", true], ["rowDeselected", false]]) {
    table.on(event, (row) => {
      const box = row.getElement().querySelector("input[type=checkbox]");
      if (box) box.checked = on;
    });
  }
  await new Promise((resolve) => table.on("tableBuilt", resolve));
  // The grid holds the header's rows and those of the body; the box that scrolls between grid and body is the body's group.
  at("plan").setAttribute("aria-labelledby", "plan-title");
  at("plan").querySelector(".tabulator-tableholder").setAttribute("role", "rowgroup");
  at("plan").querySelector(".tabulator-table").setAttribute("role", "presentation");
  table.setFilter(shown);
}

// Filtering.

function shown(row) {
  const text = at("find").value.trim().toUpperCase();
  const found = !text || row.stock_code.toUpperCase().startsWith(text) || (row.description ?? "").toUpperCase().includes(text);
  const inside = ["category", "store"].every((id) => !at(id).value || row[id === "category" ? "family" : id] === at(id).value);
  return found && inside && SHOWN[at("show").value](row);
}

let waiting;
function filter() {
  clearTimeout(waiting);
  waiting = setTimeout(() => table?.setFilter(shown), 120);
}
at("filters").addEventListener("input", filter);
at("filters").addEventListener("submit", (event) => event.preventDefault());
at("find").addEventListener("keydown", (event) => {
  if (event.key === "Escape") { at("find").value = ""; filter(); }
});
at("all").addEventListener("click", () => table.selectRow("active"));
at("none").addEventListener("click", () => table.deselectRow());

// A price of one's own: typed into the table, as people write numbers.

function priceEditor(cell, onRendered, success, cancel) {
  const row = cell.getData();
  const box = make("input", "", { inputmode: "decimal", "aria-label": `new price of ${words.item(row)}` });
  box.value = String(priceOf(row));
  onRendered(() => { box.focus(); box.select(); });
  const done = () => {
    const price = words.number(box.value);
    if (!box.value.trim() || price === row.optimal_price) return success(undefined);
    if (price > 0) return success(price);
    at("done").textContent = `${box.value} is not a price: a number above 0 is needed, such as 3.99.`;
    return cancel();
  };
  box.addEventListener("blur", done);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") done();
    if (event.key === "Escape") cancel();
  });
  return box;
}

function edited(cell) {
  cell.getRow().reformat();
  if (cell.getData().typed != null) cell.getRow().select();
  else selected();
}

// Totals of what is selected.

const chosen = () => table.getSelectedData();
const named = (row) => ({ stock_code: row.stock_code, ...(row.store ? { store: row.store } : {}) });

let asking;
function selected() {
  clearTimeout(asking);
  const mine = ++turn;
  const some = chosen();
  at("totals").replaceChildren();
  at("caveat").textContent = "";
  if (!some.length) return void (at("chosen").textContent = "Nothing is selected: tick moves, or all of those shown.");
  at("chosen").textContent = `${words.whole(some.length)} selected, ${words.whole(some.filter((row) => Math.abs(priceOf(row) - row.current_price) >= 0.005).length)} with another price`;
  asking = setTimeout(() => total({ prices: some.map((row) => ({ ...named(row), price: priceOf(row) })) }, some.length, "at their new prices", mine), 250);
}

async function total(asked, count, what, mine) {
  if (count > MOST) return void (at("caveat").textContent = `Totals are computed for ${words.whole(MOST)} products at most: select fewer.`);
  try {
    const found = await api.whatIf(asked);
    if (mine === turn) showTotals(found, what);
  } catch (problem) {
    if (mine === turn) at("caveat").textContent = `No totals: ${problem.content?.detail ?? problem} ${problem.content?.hint ?? ""}`;
  }
}

function showTotals(found, what) {
  const range = (name, show) => `${words.interval(found[`${name}_low`], found[`${name}_high`], show)}, 90 %`;
  const figures = [
    ["Gain a week", words.gained(found.sales_gain), range("sales_gain", words.gained)],
    ["Sales a week", words.money(found.sales), `now ${words.money(found.sales_now)}; ${range("sales", words.money)}`],
    ["Units a week", words.units(found.units), `now ${words.units(found.units_now)}; ${range("units", words.units)}`],
    ["Gain of the whole shop", words.gained(found.all.sales_gain), `${words.interval(found.all.sales_gain_low, found.all.sales_gain_high, words.gained)}, 90 %`],
  ];
  for (const [name, low, high] of [["profit", "profit_low", "profit_high"]]) {
    if (found[name] != null) figures.splice(2, 0, ["Profit a week", words.money(found[name]), found[low] == null ? "" : `${words.interval(found[low], found[high], words.money)}, 90 %`]);
  }
  at("totals").replaceChildren(...figures.map(([name, value, note]) => {
    const group = make("div");
    const figure = make("dd", value);
    figure.append(make("small", note));
    group.append(make("dt", name), figure);
    return group;
  }));
  const outside = found.outside_guardrail ? ` ${words.whole(found.outside_guardrail)} of the prices lie outside what may be recommended.` : "";
  at("caveat").textContent = `${words.whole(found.skus)} ${found.skus === 1 ? "product" : "products"} ${what}; what is taken from others of the category, or won from them, counts in the whole shop.${outside}${at("caveat").dataset.trust ?? ""}`;
}

at("what-if").addEventListener("submit", (event) => {
  event.preventDefault();
  const percent = words.number(at("change").value);
  const of = at("of").value;
  const some = chosen();
  at("change").setAttribute("aria-invalid", String(!(percent > -100)));
  if (!(percent > -100)) return void (at("caveat").textContent = "By how many per cent? A number above -100 is needed, such as -5.");
  if (of === "selected" && !some.length) return void (at("caveat").textContent = "Nothing is selected: tick products, or choose a category.");
  const asked = of === "selected" ? { items: some.map(named) } : { category: of };
  const text = `${percent > 0 ? "+" : ""}${percent}%`;
  at("totals").replaceChildren();
  total({ ...asked, change: text }, of === "selected" ? some.length : 0, `at prices changed by ${text.replace("-", "−")}`, ++turn);
});

// Decisions.

async function loadDecisions() {
  let found;
  try {
    found = await api.decisions();
  } catch (problem) {
    at("read-only").hidden = false;
    at("show").value = "moves";
    if (problem.content?.status !== 404) showProblem(problem);
    return;
  }
  for (const row of rows) row.decision = undefined;
  for (const it of found.decisions) {
    const row = byKey.get(key(it));
    if (row) row.decision = it;
  }
  const broken = Object.entries(found.trouble);
  if (broken.length) showProblem({ content: { title: "Some decisions count for nothing", detail: broken.map(([name, why]) => `${name}: ${why}`).join(" ") } });
  at("decide").hidden = false;
}

async function decide(verdict, some, reason = "") {
  const by = at("by").value.trim();
  at("by").setAttribute("aria-invalid", String(!by));
  if (!by) { at("done").textContent = "Who decides? Type your name first."; return at("by").focus(); }
  remember(by);
  const own = (row) => row.typed != null && Math.abs(row.typed - row.optimal_price) >= 0.005;
  const groups = verdict === "accept" ? [["set", some.filter(own)], ["accept", some.filter((row) => !own(row) && moves(row))]] : [[verdict, some]];
  const asked = groups.filter(([, list]) => list.length);
  if (!asked.length) return void (at("done").textContent = "Nothing to decide: select moves first.");
  at("decide").setAttribute("aria-busy", "true");
  try {
    let kept = 0;
    let signed = true;
    for (const [what, list] of asked) {
      for (let from = 0; from < list.length; from += MOST) {
        const part = list.slice(from, from + MOST);
        const answer = await api.decide({ release, decision: what, by, reason, moves: part.map((row) => ({ ...named(row), ...(what === "set" ? { price: row.typed } : {}) })) });
        kept += answer.prices;
        signed &&= answer.signed;
      }
    }
    at("problem").hidden = true;
    at("done").textContent = `${words.whole(kept)} ${{ accept: "accepted", reject: "rejected", withdraw: "taken back" }[verdict]}, kept in the lake${signed ? " and signed" : ""}.`;
    for (const row of some) if (verdict === "accept") row.typed = undefined;
  } catch (problem) {
    showProblem(problem, "Not kept.");
  }
  await loadDecisions();
  table.deselectRow();
  table.setFilter(shown);
  table.redraw(true);
  at("decide").removeAttribute("aria-busy");
}

function remember(name) {
  try { localStorage.setItem("pricewright-name", name); } catch { /* a browser may keep nothing */ }
}
try { at("by").value = localStorage.getItem("pricewright-name") ?? ""; } catch { /* likewise */ }

at("decide").addEventListener("submit", (event) => event.preventDefault());
at("accept").addEventListener("click", () => decide("accept", chosen()));
at("withdraw").addEventListener("click", () => decide("withdraw", chosen().filter((row) => row.decision)));
at("reject").addEventListener("click", () => {
  if (!chosen().length) return void (at("done").textContent = "Nothing to decide: select moves first.");
  at("why-title").textContent = `Reject ${words.whole(chosen().length)} ${chosen().length === 1 ? "move" : "moves"}`;
  at("reason").value = "";
  return at("why").showModal();
});
at("cancel").addEventListener("click", () => at("why").close("cancel"));
at("why").addEventListener("close", () => {
  if (at("why").returnValue === "reject") decide("reject", chosen(), at("reason").value);
  at("why").returnValue = "";
});

// Outcomes and proof, when it is opened.

at("proof").addEventListener("toggle", async () => {
  if (!at("proof").open || at("proof").dataset.done != null) return;
  at("proof").dataset.done = "";
  try {
    const found = await api.proof();
    at("proof-words").textContent = proofWords(found);
    at("changes").replaceChildren(...changesTable(found.changes));
    at("promises").replaceChildren(...promisesTable(found.promises));
    if (found.changes.length) await drawChanges(at("proof-chart"), found.changes);
  } catch (problem) {
    at("proof-words").textContent = problem.content?.status === 404 ? "Past price changes are shown where the lake can be read: pricewright serve, or the stack." : (problem.content?.detail ?? String(problem));
  }
});

try {
  await load();
  await loadDecisions();
  for (const id of ["csv", "xlsx"]) at(id).href += `?${new URLSearchParams({ locale: words.spoken().locale })}`;
  table.setFilter(shown);
  table.redraw(true);
} catch (problem) {
  at("release").dataset.state = "down";
  at("release").textContent = "The price API does not answer";
  showProblem(problem);
} finally {
  at("waking").dataset.done = "";
  document.body.dataset.ready = "";
}
