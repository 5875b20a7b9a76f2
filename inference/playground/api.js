// Asks the price API; what it refuses becomes a Problem, with the words to show.

export class Problem extends Error {
  constructor(content) {
    super(content.detail);
    this.content = content;
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Problem({
      title: "The price API does not answer",
      detail: "No connection to the price API.",
      hint: "Check that it runs, then start the analysis again.",
    });
  }
  const content = await response.json().catch(() => null);
  if (response.ok && content) return content;
  throw new Problem(content ?? {
    title: "The price API failed",
    detail: `It answered with status ${response.status} and nothing that can be read.`,
    hint: "Try again in a moment.",
  });
}

function query(parameters) {
  return new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "" && value != null));
}

export const warmUp = () => ask("/v1/warmup", { method: "POST" });
export const health = () => ask("/v1/health");
export const price = (sku, parameters) => ask(`/v1/predict-price/${encodeURIComponent(sku)}?${query(parameters)}`);
export const sales = (sku, store) => ask(`/v1/sales/${encodeURIComponent(sku)}?${query({ store })}`);
export const search = (text, limit, within) => ask(`/v1/skus?${query({ search: text, limit, ...within })}`);
export const stores = () => ask("/v1/stores");
export const categories = () => ask("/v1/categories");
export const priceList = () => ask("/v1/price-list");
