// The page: find a product, ask for its price, show what comes back, or what went wrong.

import * as api from "./api.js";
import { drawDemand, drawHistory, drawSales } from "./charts.js";
import * as words from "./words.js";

const at = (id) => document.getElementById(id);
const WATCHED = 15_000; // milliseconds between two looks at the price API
const NUMBERS = ["unitprice_min", "unitprice_max", "unit_cost"];
const PARAMETERS = ["unitprice_min", "unitprice_max", "objective", "unit_cost", "num_price_bins", "model"];

function make(tag, text = "", attributes = {}) {
  const node = Object.assign(document.createElement(tag), { textContent: text });
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function showState(state) {
  const label = at("release");
  label.dataset.state = state.status;
  label.textContent = `${words.whole(state.skus)} products, data up to ${state.last_week}, release ${state.release}`;
  label.title = state.lake === "ok" ? "" : state.lake;
}

function showDown(problem) {
  at("release").dataset.state = "down";
  at("release").textContent = problem?.content?.title === "No prices yet" ? "No prices yet: start a run, then approve" : "The price API does not answer";
}

// The dot says how it is now, not how it was when the page was opened.
const watch = () => api.health().then(showState, showDown);

async function wake() {
  try {
    await api.warmUp();
    const state = await api.health();
    words.speak(state);
    showState(state);
    showBackups(Object.keys(state.models).slice(1));
    await Promise.all([api.stores().then((list) => showStores(list.stores)), api.categories().then((list) => showCategories(list.categories))]);
    await api.priceList().then((list) => showGains(list.prices), () => { document.querySelector(".gains").hidden = true; });
  } catch (problem) {
    showDown(problem);
    showProblem(problem);
  } finally {
    at("waking").dataset.done = "";
  }
}

function showBackups(names) {
  for (const name of names) at("model").lastElementChild.before(make("option", name, { value: name }));
}

// Zones first, whose prices their stores have; a store with prices of its own is there once.
function showStores(stores) {
  const zones = [...new Set(stores.map((it) => it.zone))].filter((zone) => !stores.some((it) => it.store === zone));
  offer("store", [...zones.map((zone) => [zone, `all of ${zone}`]), ...stores.map((it) => [it.store, it.store === it.zone ? it.store : `${it.store} (${it.zone})`])]);
}

const showCategories = (categories) => offer("category", categories.map((it) => [it.category, it.category]));

function offer(id, options) {
  at(id).append(...options.map(([value, text]) => make("option", text, { value })));
  at(id).parentElement.hidden = !options.length;
}

function showGains(rows) {
  const gain = (row) => row.expected_sales - row.current_expected_sales;
  const best = rows.filter((row) => gain(row) > 0).sort((one, two) => gain(two) - gain(one)).slice(0, 8);
  if (!best.length) at("gains").append(make("li", "No price of this release should move."));
  for (const row of best) {
    const button = make("button", "", { type: "button" });
    button.append(make("span", row.description || row.stock_code), make("b", `+${words.money(gain(row))}`, { class: "gain" }));
    const range = row.promised_low == null ? "" : `, sales ${words.interval(row.promised_low, row.promised_high, words.share)}`;
    button.append(make("small", `${words.item(row)}: a week${range}`));
    button.onclick = () => choose(row);
    const item = make("li");
    item.append(button);
    at("gains").append(item);
  }
}

// Finding a product: the list follows the typing; arrows move in it, Enter takes, Escape closes.

let found = [];
let chosen = -1;
let waiting;

function showFound(rows) {
  found = rows;
  chosen = -1;
  at("found").replaceChildren(...rows.map((row, index) => {
    const item = make("li", "", { role: "option", id: `found-${index}`, "aria-selected": "false" });
    const best = row.optimal_price === row.current_price ? "" : `→ ${words.money(row.optimal_price)}`;
    item.append(make("span", row.description || row.stock_code), make("span", words.money(row.current_price)), make("small", words.item(row)), make("small", best));
    item.onmousedown = (event) => { event.preventDefault(); choose(row); };
    return item;
  }));
  at("found").hidden = !rows.length;
  at("sku").setAttribute("aria-expanded", String(rows.length > 0));
}

function move(step) {
  if (!found.length) return;
  chosen = (chosen + step + found.length) % found.length;
  [...at("found").children].forEach((item, index) => item.setAttribute("aria-selected", String(index === chosen)));
  at("found").children[chosen].scrollIntoView({ block: "nearest" });
  at("sku").setAttribute("aria-activedescendant", `found-${chosen}`);
}

function choose({ stock_code: code, store }) {
  clearTimeout(waiting);
  at("sku").value = code;
  if (store) at("store").value = store;
  showFound([]);
  at("ask").requestSubmit();
}

at("sku").addEventListener("input", () => {
  clearTimeout(waiting);
  const text = at("sku").value.trim();
  waiting = setTimeout(async () => {
    const rows = text ? await api.search(text, 20, { store: at("store").value, category: at("category").value }).then((page) => page.skus, () => []) : [];
    if (text === at("sku").value.trim()) showFound(rows);
  }, 150);
});
at("sku").addEventListener("blur", () => showFound([]));
at("sku").addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Enter" && chosen >= 0) {
    event.preventDefault();
    choose(found[chosen]);
  }
});
// Escape closes the list first, and empties the field then: by itself, a browser would do both at once.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = !at("found").hidden;
  if (document.activeElement === at("sku") || open) event.preventDefault();
  if (open) showFound([]);
  else if (document.activeElement === at("sku")) at("sku").value = "";
  else at("problem").hidden = true;
});

// Asking, and showing the answer.

let turn = 0;

async function start(event) {
  event?.preventDefault();
  const mine = ++turn;
  const [sku, store] = [at("sku").value, at("store").value];
  clearTimeout(waiting);
  showFound([]);
  if (!sku.trim()) return showProblem(new api.Problem({ title: "No product chosen", detail: "Type a code, or words of a description, and choose a product." }));
  const parameters = Object.fromEntries(PARAMETERS.map((name) => [name, at(name).value.trim()]));
  for (const name of NUMBERS) if (parameters[name] && words.number(parameters[name]) >= 0) parameters[name] = String(words.number(parameters[name]));
  at("start").setAttribute("aria-busy", "true");
  at("answer").hidden = true; // what was asked before says nothing about this product
  try {
    const [answer, history] = await Promise.all([api.price(sku, { ...parameters, store }), api.sales(sku, store)]);
    if (mine === turn) show(answer, history, parameters);
  } catch (problem) {
    if (mine !== turn) return;
    showProblem(problem);
    if (problem.content?.unreachable || problem.content?.status >= 500) showDown(problem);
  } finally {
    if (mine === turn) at("start").removeAttribute("aria-busy");
  }
}

function show(answer, history, parameters) {
  at("problem").hidden = at("empty").hidden = true;
  at("answer").hidden = false;
  PARAMETERS.forEach((name) => at(name).removeAttribute("aria-invalid"));
  at("sku").value = answer.stock_code;
  at("code").textContent = `${words.item(answer)} · ${answer.description}`;
  at("headline").textContent = words.headline(answer);
  at("promise").textContent = words.promise(answer);
  at("reason").textContent = words.reason(answer);
  at("paid").textContent = words.paid(answer, history);
  at("peak").textContent = words.peak(answer);
  at("figures").replaceChildren(...words.figures(answer).map(([name, value, note]) => {
    const group = make("div");
    const figure = make("dd", value);
    figure.append(make("small", note));
    group.append(make("dt", name), figure);
    return group;
  }));
  at("source").textContent = words.source(answer);
  at("source").classList.toggle("warn", answer.fallbacks.length > 0 || answer.release_trouble != null);
  at("sales-title").textContent = `Expected ${answer.curve.predicted_profit ? "profit" : "sales"} a week at each price`;
  const seen = words.seen(history);
  drawSales(at("sales-chart"), answer, seen);
  drawDemand(at("demand-chart"), answer, seen);
  drawHistory(at("history-chart"), history);
  showTable(answer.curve);
  if (matchMedia("(max-width: 56rem)").matches) at("answer").scrollIntoView({ block: "start" });
  const kept = Object.entries({ sku: answer.stock_code, store: at("store").value, ...parameters }).filter(([, value]) => value !== "");
  window.history.replaceState(null, "", `?${new URLSearchParams(kept)}`);
}

function showTable(curve) {
  const head = make("tr");
  const profit = curve.predicted_profit;
  head.append(...["Price", "Units", "Low", "High", "Sales", ...(profit ? ["Profit"] : [])].map((name) => make("th", name, { scope: "col" })));
  const show = (value, how) => (value == null ? "–" : how(value));
  const rows = curve.unit_price.map((price, index) => {
    const row = make("tr");
    const cells = [words.money(price), show(curve.quantity[index], words.units), show(curve.quantity_min[index], words.units), show(curve.quantity_max[index], words.units), words.money(curve.predicted_sales[index]), ...(profit ? [words.money(profit[index])] : [])];
    row.append(...cells.map((text) => make("td", text)));
    return row;
  });
  at("table").replaceChildren(head, ...rows);
}

const labelOf = (name) => document.querySelector(`label[for="${name}"]`)?.textContent ?? name;

// The API speaks of its parameters and routes, the page of its fields.
function inWords(text = "") {
  const fields = PARAMETERS.reduce((text, name) => text.replaceAll(name, labelOf(name).toLowerCase()), text);
  return fields.replace(/GET \/v1\/skus\?search=\.\.\. finds SKUs\./, "Type words of its description to find it.").replace(/\bSKU(s?)\b/g, "product$1");
}

function showProblem(problem) {
  const content = problem.content ?? { title: "The page failed", detail: String(problem) };
  const box = at("problem");
  box.replaceChildren(make("h2", content.title ?? "That did not work"));
  if (content.errors) {
    const list = make("ul");
    list.append(...content.errors.map((error) => make("li", `${labelOf(error.parameter)} is ${error.value}: ${inWords(error.rule)}`)));
    box.append(list);
  } else box.append(make("p", inWords(content.detail)));
  if (content.hint) box.append(make("p", inWords(content.hint)));
  const near = /^did you mean (.+)\?$/.exec(content.hint ?? "");
  for (const code of near ? near[1].split(", ") : []) {
    const button = make("button", code, { type: "button" });
    button.onclick = () => choose({ stock_code: code });
    box.append(button);
  }
  PARAMETERS.forEach((name) => at(name).setAttribute("aria-invalid", String(Boolean(content.errors?.some((error) => error.parameter === name)))));
  box.hidden = false;
  at("answer").hidden = at("empty").hidden = true;
}

at("ask").addEventListener("submit", start);
const asked = new URLSearchParams(location.search);
for (const name of ["sku", ...PARAMETERS]) if (asked.has(name)) at(name).value = asked.get(name);
await wake();
// Only now are the release's models and stores in the lists.
for (const name of ["model", "store"]) if (asked.has(name)) at(name).value = asked.get(name);
if (asked.get("sku")) await start();
document.body.dataset.ready = "";
setInterval(() => document.hidden || watch(), WATCHED);
document.addEventListener("visibilitychange", () => document.hidden || watch());
