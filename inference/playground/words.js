// The answer in words and figures that a merchandiser uses.

const digits = (value, most, least = 0) => value.toLocaleString(undefined, { minimumFractionDigits: least, maximumFractionDigits: most }).replace("-", "−");
export const money = (value) => value.toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
export const units = (value) => digits(value, value < 10 ? 1 : 0);
export const share = (value) => `${value >= 0 ? "+" : "−"}${digits(Math.abs(value) * 100, 1)} %`;

export const item = (row) => (row.store ? `${row.stock_code} in ${row.store}` : row.stock_code);

function named(model) {
  if (model === "network") return "the network";
  return model === "price_list" ? "the release’s price list" : `the backup ${model}`;
}

const certainty = (chance) => (chance > 0.99 ? "over 99 %" : `${Math.round(chance * 100)} %`);

export function headline(answer) {
  if (!answer.moved) return `Keep the price at ${money(answer.current_price)}`;
  const verb = answer.optimal_price > answer.current_price ? "Raise" : "Lower";
  const sure = answer.uplift_probability == null ? "" : `, ${certainty(answer.uplift_probability)} sure`;
  return `${verb} the price from ${money(answer.current_price)} to ${money(answer.optimal_price)}: ${share(answer.sales_uplift)} sales${sure}`;
}

export function reason(answer) {
  return `${answer.reason[0].toUpperCase()}${answer.reason.slice(1)}.`;
}

// Where the rate of tax is known, sales are without it; the label on the shelf is what it was.
const withoutTax = (answer) => (answer.tax_rate == null ? "" : `, without ${digits(answer.tax_rate * 100, 1)} % tax`);

export function figures(answer) {
  const between = (low, high, show) => (low == null ? "interval not known" : `${show(low)} to ${show(high)}, 90 %`);
  const figures = [
    ["Optimal price", money(answer.optimal_price), `now ${money(answer.current_price)}`],
    ["Sales a week", money(answer.expected_sales), `now ${money(answer.current_expected_sales)}${withoutTax(answer)}`],
    ...(answer.profit == null ? [] : [["Profit a week", money(answer.profit), `now ${money(answer.profit_now)}, at a unit cost of ${money(answer.unit_cost)}`]]),
    ["Units a week", units(answer.expected_units), between(answer.expected_units_low, answer.expected_units_high, units)],
    ["Elasticity", digits(answer.elasticity, 2, 2), between(answer.elasticity_low, answer.elasticity_high, (value) => digits(value, 2, 2))],
    ["Guardrail", `${money(answer.guardrail_low)}–${money(answer.guardrail_high)}`, "lowest and highest to recommend"],
  ];
  if (answer.moved && answer.promised_low != null) figures.push(["Promised sales", `${share(answer.promised_low)} to ${share(answer.promised_high)}`, "with the whole plan, 90 %"]);
  if (answer.family) figures.push(["Competes in", answer.family, "what it takes from there is not a gain"]);
  return figures;
}

export function source(answer) {
  const parts = [`Answered by ${named(answer.model)} of release ${answer.release}, data up to ${answer.last_week}.`];
  for (const { model, why } of answer.fallbacks) parts.push(`${named(model)} did not answer: ${why}`);
  if (answer.ignored?.length) parts.push(`Ignored: ${answer.ignored.join(", ")}.`);
  if (answer.release_trouble) parts.push(`The newest release may not be served: ${answer.release_trouble}`);
  return parts.join(" ");
}
