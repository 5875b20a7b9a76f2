// The page: find a product, ask for its price, show what comes back, or what went wrong.

import * as api from "./api.js";
import { drawDemand, drawHistory, drawSales } from "./charts.js";
import * as words from "./words.js";

const at = (id) => document.getElementById(id);
const PARAMETERS = ["unitprice_min", "unitprice_max", "objective", "unit_cost", "num_price_bins", "model"];

function make(tag, text = "", attributes = {}) {
  const node = Object.assign(document.createElement(tag), { textContent: text });
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

async function wake() {
  const label = at("release");
  try {
    await api.warmUp();
    const state = await api.health();
    label.dataset.state = state.status;
    label.textContent = `${state.skus.toLocaleString()} products, data up to ${state.last_week}, release ${state.release}`;
    if (state.lake !== "ok") label.title = state.lake;
    showBackups(Object.keys(state.models).slice(1));
    await Promise.all([api.stores().then((list) => showStores(list.stores)), api.categories().then((list) => showCategories(list.categories))]);
    await api.priceList().then((list) => showGains(list.prices), () => { document.querySelector(".gains").hidden = true; });
  } catch (problem) {
    label.dataset.state = "down";
    label.textContent = "The price API does not answer";
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
    button.append(make("small", words.item(row)), make("small", "a week"));
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
    const uplift = row.optimal_price === row.current_price ? "" : words.share(row.sales_uplift);
    item.append(make("span", row.description || row.stock_code), make("b", uplift, { class: "gain" }), make("small", words.item(row)), make("small", words.money(row.current_price)));
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
  } else if (event.key === "Escape") showFound([]);
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
  at("start").setAttribute("aria-busy", "true");
  try {
    const [answer, history] = await Promise.all([api.price(sku, { ...parameters, store }), api.sales(sku, store)]);
    if (mine === turn) show(answer, history, parameters);
  } catch (problem) {
    if (mine === turn) showProblem(problem);
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
  at("reason").textContent = words.reason(answer);
  at("figures").replaceChildren(...words.figures(answer).map(([name, value, note]) => {
    const group = make("div");
    const figure = make("dd", value);
    figure.append(make("small", note));
    group.append(make("dt", name), figure);
    return group;
  }));
  at("source").textContent = words.source(answer);
  at("source").classList.toggle("warn", answer.fallbacks.length > 0 || answer.release_trouble != null);
  drawSales(at("sales-chart"), answer);
  drawDemand(at("demand-chart"), answer);
  drawHistory(at("history-chart"), history);
  showTable(answer.curve);
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

function showProblem(problem) {
  const content = problem.content ?? { title: "The page failed", detail: String(problem) };
  const box = at("problem");
  box.replaceChildren(make("h2", content.title ?? "That did not work"));
  if (content.errors) {
    const list = make("ul");
    list.append(...content.errors.map((error) => make("li", `${labelOf(error.parameter)} is ${error.value}: ${error.rule}`)));
    box.append(list);
  } else box.append(make("p", content.detail));
  if (content.hint) box.append(make("p", content.hint));
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
