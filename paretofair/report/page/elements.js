/** Small pieces of the page, and how numbers and methods look. */
/** An element; children that are no elements become text, so that no name is ever read as HTML. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}
// Plotly reads a few tags in the texts it draws.
const forPlotly = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const isNumber = (value) => typeof value === "number";
const measured = (value) => (isNumber(value) && Number.isFinite(value) ? value.toFixed(4) : "–");
const exact = (value) => {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return isNumber(value) ? String(Number(value.toPrecision(6))) : String(value);
};
const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

/** Names in cells of these columns are shown as they are called. */
const CALLED = {
  method: (name) => labelOfMethod(name),
  against: (name) => labelOfMethod(name),
  task: (name) => labelOfTask(name),
  metric: (name) => shortNames.get(name) ?? name,
};

/** `columns` are names, `heads` the texts above them. Rows of a column `task` are folded. */
function tableOf({ columns: head, heads = head, rows }, caption) {
  // A deviation stands beside its mean.
  const columns = head
    .map((name, i) => ({ name, i, beside: head.indexOf(`${name}_std`) }))
    .filter(({ name }) => !(name.endsWith("_std") && head.includes(name.slice(0, -4))));
  const task = head.indexOf("task");
  const kind = ({ i }) => (rows.some((row) => isNumber(row[i])) ? {} : { class: "text" });
  const text = (row, { name, i, beside }) => {
    if (name in CALLED) return CALLED[name](row[i]);
    const value = isNumber(row[i]) ? short(row[i]) : exact(row[i]);
    return beside < 0 ? value : `${measured(row[i])} ± ${measured(row[beside])}`;
  };
  const lines = rows.map((row) =>
    element("tr", {}, ...columns.map((column) => element("td", kind(column), text(row, column)))),
  );
  const fold = task < 0 ? [] : foldTasks(rows.map((row, i) => [row[task], lines[i]]));
  const table = element(
    "table",
    {},
    ...(caption ? [element("caption", {}, caption)] : []),
    element(
      "thead",
      {},
      element("tr", {}, ...columns.map((column) => element("th", { scope: "col", ...kind(column) }, heads[column.i]))),
    ),
    element("tbody", {}, ...lines),
  );
  return element("div", { class: "wide" }, table, ...fold);
}
const short = (value) => (Number.isInteger(value) ? String(value) : measured(value));
const styleOf = (method) => data.looks[method] ?? { colour: "#000000", symbol: ["circle", "●"] };

const symbolOf = (method) => {
  const { colour, symbol } = styleOf(method);
  return element("span", { class: "symbol", style: `color:${colour}`, "aria-hidden": "true" }, symbol[1]);
};
