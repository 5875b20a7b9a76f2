// Numbers and sentences that a merchandiser uses, in the shop's currency and locale.

let locale; // the browser's, until the shop's is known
let currency = "";
let formats = {};

export function speak(shop) {
  locale = shop.locale ?? undefined;
  currency = shop.currency ?? "";
  formats = {};
}

export const spoken = () => ({ locale: locale ?? navigator.language, currency });

// Made once each: a table of thousands of rows asks for them at every step.
function format(name, options) {
  formats[name] ??= new Intl.NumberFormat(locale, options);
  return formats[name];
}

const minus = (text) => text.replace("-", "−");
const digits = (value, most, least = 0) => minus(format(`${most} ${least}`, { minimumFractionDigits: least, maximumFractionDigits: most }).format(value));
const MONEY = () => (currency ? { style: "currency", currency } : { minimumFractionDigits: 2, maximumFractionDigits: 2 });
export const money = (value) => minus(format("money", MONEY()).format(value));
export const gained = (value) => minus(format("gained", { ...MONEY(), signDisplay: "exceptZero" }).format(value));
export const units = (value) => digits(value, value < 10 ? 1 : 0);
export const whole = (value) => digits(value, 0);
export const share = (value) => `${value >= 0 ? "+" : "−"}${digits(Math.abs(value) * 100, 1)} %`;
export const day = (text) => new Date(`${text.slice(0, 10)}T12:00:00`).toLocaleDateString(locale, { day: "numeric", month: "short", year: "numeric" });

// The number in a text as people type it: 3.99, 3,99, 1.234,50, 1,234.50, with a currency's sign; NaN for any other.
export function number(text) {
  const bare = String(text).replace("−", "-").replace(/[\s'’\u00a0\u202f]/g, "").replace(/^[\p{Sc}A-Z]+|[\p{Sc}A-Z%]+$/gu, "");
  const signs = [...bare.matchAll(/[.,]/g)].map((it) => it[0]);
  const [last, several] = [signs.at(-1), new Set(signs).size > 1];
  const groups = signs.length > 1 && !several; // 1,234,567
  if (groups && !/^[+-]?\d{1,3}([.,]\d{3})+$/.test(bare)) return NaN;
  const plain = last === undefined || groups ? bare.replace(/[.,]/g, "") : bare.slice(0, bare.lastIndexOf(last)).replace(/[.,]/g, "") + "." + bare.slice(bare.lastIndexOf(last) + 1);
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : NaN;
}

export const item = (row) => (row.store ? `${row.stock_code} in ${row.store}` : row.stock_code);
export const interval = (low, high, show) => `${show(low)} to ${show(high)}`;

function named(model) {
  if (model === "network") return "the network";
  return model === "price_list" ? "the release’s price list" : `the backup ${model}`;
}

const certainty = (chance) => (chance > 0.99 ? "over 99 %" : `${Math.round(chance * 100)} %`);
const WORDS = [[0.99, "almost certain"], [0.9, "very likely"], [0.8, "likely"], [0.5, "more likely than not"], [-1, "unlikely"]];
export const likely = (chance) => `${WORDS.find(([least]) => chance > least)[1]}, ${certainty(chance)}`;

const LARGE = 0.2; // share of sales: few moves of real shops bring as much

const isProfit = (answer) => answer.objective === "profit" && answer.unit_cost != null;

export function headline(answer) {
  if (!answer.moved) return `Keep the price at ${money(answer.current_price)}`;
  const verb = answer.optimal_price > answer.current_price ? "Raise" : "Lower";
  const sure = answer.uplift_probability == null ? "" : `, ${certainty(answer.uplift_probability)} sure that it pays`;
  return `${verb} the price from ${money(answer.current_price)} to ${money(answer.optimal_price)}${sure}`;
}

// What it brings, with its interval; without one nothing is promised.
export function promise(answer) {
  if (!answer.moved) return "";
  const what = isProfit(answer) ? "Sales change by" : "It brings";
  const known = answer.promised_low != null;
  const parts = [known
    ? `${what} ${share(answer.sales_uplift)} sales a week (90 %: ${interval(answer.promised_low, answer.promised_high, share)}).`
    : "How much it brings is not promised: no interval is known for a question of one’s own."];
  if (isProfit(answer)) parts.push("The price is best for profit, at the unit cost known.");
  if (known && Math.abs(answer.sales_uplift) > LARGE) parts.push("That is a lot, more than most price moves of a shop bring: read it as an upper estimate, and try it in a few stores or weeks first.");
  return parts.join(" ");
}

export function reason(answer) {
  return `${answer.reason[0].toUpperCase()}${answer.reason.slice(1)}.`;
}

// Where the rate of tax is known, sales are without it; the label on the shelf is what it was.
const withoutTax = (answer) => (answer.tax_rate == null ? "" : `, without ${digits(answer.tax_rate * 100, 1)} % tax`);

export function figures(answer) {
  const between = (low, high, show) => (low == null ? "interval not known" : `${interval(low, high, show)}, 90 %`);
  const best = isProfit(answer) ? "Best price for profit" : "Best price for sales";
  const figures = [
    [best, money(answer.optimal_price), `now ${money(answer.current_price)}`],
    ["Sales a week", money(answer.expected_sales), `now ${money(answer.current_expected_sales)}${withoutTax(answer)}`],
    ...(answer.profit == null ? [] : [["Profit a week", money(answer.profit), `now ${money(answer.profit_now)}, at a unit cost of ${money(answer.unit_cost)}`]]),
    ["Units a week", units(answer.expected_units), between(answer.expected_units_low, answer.expected_units_high, units)],
    ["Elasticity", digits(answer.elasticity, 2, 2), between(answer.elasticity_low, answer.elasticity_high, (value) => digits(value, 2, 2))],
    ["Prices to choose from", `${money(answer.guardrail_low)}–${money(answer.guardrail_high)}`, "the guardrail: lowest and highest"],
  ];
  if (answer.moved && answer.promised_low != null) figures.push(["Change of sales", share(answer.sales_uplift), `${interval(answer.promised_low, answer.promised_high, share)}, 90 %`]);
  if (answer.family) figures.push(["Competes in", answer.family, "what it takes from there is not a gain"]);
  return figures;
}

// Why the highest point of the curve is not where "best" stands, where that is so.
export function peak(answer) {
  const { curve } = answer;
  const drawn = curve.predicted_profit ?? curve.predicted_sales;
  const top = curve.unit_price[drawn.indexOf(Math.max(...drawn))];
  const step = curve.unit_price.length > 1 ? curve.unit_price[1] - curve.unit_price[0] : 0;
  if (Math.abs(top - answer.optimal_price) <= 1.5 * step + 0.01) return "";
  const what = curve.predicted_profit ? "profit" : "sales";
  const at = `The curve of this product alone is highest at ${money(top)}`;
  if (top < answer.guardrail_low || top > answer.guardrail_high) return `${at}, outside the prices to choose from.`;
  if (!answer.moved) return `${at}, but no move is sure enough to gain ${what}: the price stays.`;
  if (answer.family) return `${at}. The best price also counts what the others of ${answer.family} win and lose, and that far moves are less sure.`;
  return `${at}. The best price stays closer to what was asked, where the gain is surer.`;
}

// The prices of the curve that were paid within the weeks shown: what lies beyond is extrapolated.
export function seen(history) {
  const paid = history.unit_price.filter((price, index) => price != null && history.quantity[index] > 0);
  return paid.length ? [Math.min(...paid), Math.max(...paid)] : null;
}

// "Now" is a regular price that was asked; what customers paid last may be another one, on average.
export function paid(answer, history) {
  const last = history.unit_price.filter((price, index) => price != null && history.quantity[index] > 0).at(-1);
  if (last == null || Math.abs(last / answer.current_price - 1) < 0.02) return "";
  return `In the last week with a sale customers paid ${money(last)} on average; now is the regular price, ${money(answer.current_price)}.`;
}

export function source(answer) {
  const parts = [`Answered by ${named(answer.model)} of release ${answer.release}, data up to ${answer.last_week}.`];
  for (const { model, why } of answer.fallbacks) parts.push(`${named(model)} did not answer: ${why}`);
  if (answer.ignored?.length) parts.push(`Ignored: ${answer.ignored.join(", ")}.`);
  if (answer.release_trouble) parts.push(`The newest release may not be served: ${answer.release_trouble}`);
  return parts.join(" ");
}
