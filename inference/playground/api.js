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
      unreachable: true,
      detail: "No connection to the price API.",
      hint: "Check that it runs, then start the analysis again.",
    });
  }
  const content = await response.json().catch(() => null);
  if (response.ok && content) return content;
  if (content?.status === 503 && /there is no release/.test(content.detail)) {
    throw new Problem({ ...content, title: "No prices yet", hint: "No prices yet: start a run, then approve what it brings." });
  }
  throw new Problem(content ?? {
    title: "The price API failed",
    status: response.status,
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
export const plan = (cursor, limit) => ask(`/v1/plan?${query({ cursor, limit })}`);
export const whatIf = (asked) => ask("/v1/what-if", sent(asked));

// What only a server has that may write to the lake: elsewhere they are not found.
export const decisions = () => ask("/desk/decisions");
export const decide = (asked) => ask("/desk/decisions", sent(asked));
export const proof = () => ask("/desk/proof");

const sent = (body) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
