/** The table of frontier points, and what the rules choose. */
const MOST_ROWS = 500;

function pointColumns() {
  const columns = [
    { id: "method", name: "method", of: (p) => p.family.method },
    { id: "seed", name: "seed", of: (p) => seedOf(p.row) },
  ];
  for (const split of shown.split === selectedOn ? [shown.split] : [shown.split, selectedOn]) {
    for (const name of new Set([shown.x, shown.y])) {
      columns.push({
        id: `${split}_${name}`,
        name: `${labelOf(name)} (${split})`,
        of: (p) => values(name, split)[p.row],
        show: measured,
      });
    }
  }
  if (at("confirmed").checked) {
    for (const name of new Set([shown.x, shown.y])) {
      columns.push({
        id: `confirmed_${name}`,
        name: `${labelOf(name)} (fresh seeds, test)`,
        of: (p) => (confirmedOf(p.row, name) || [NaN])[0],
        show: (value, p) => deviating(confirmedOf(p.row, name)),
      });
    }
  }
  return columns;
}
const confirmedOf = (row, name) => data.confirmed[row] && data.confirmed[row].metrics[name];
const deviating = (moments) => (moments ? `${measured(moments[0])} ± ${measured(moments[1])}` : "–");

function fillPoints() {
  const columns = pointColumns();
  const by = columns.find((column) => column.id === shown.sort.column) || columns[0];
  const turn = shown.sort.descending ? -1 : 1;
  const place = (p) => (by.id === "method" ? data.methods.indexOf(p.family.method) : by.of(p));
  // A missing value is last either way.
  const compare = (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.isNaN(a) - Number.isNaN(b) : turn * (a - b));
  const order = [...points].sort((a, b) => compare(place(a), place(b)));
  const listed = order.slice(0, MOST_ROWS);
  const head = columns.map((column) =>
    element(
      "th",
      {
        scope: "col",
        class: column.id === "method" ? "text" : undefined,
        "aria-sort": column === by ? (shown.sort.descending ? "descending" : "ascending") : undefined,
      },
      element(
        "button",
        { type: "button", onclick: () => sortBy(column.id, columns.indexOf(column)) },
        `${column.name}${column === by ? (turn > 0 ? " ▲" : " ▼") : ""}`,
      ),
    ),
  );
  const current = Math.max(
    0,
    listed.findIndex((p) => p.row === shown.trial),
  );
  const rows = listed.map((p, i) => {
    const cells = columns.map((column) =>
      column.id === "method"
        ? element("td", { class: "text" }, symbolOf(p.family.method), ` ${labelOfMethod(p.family.method)}`)
        : element("td", {}, column.show ? column.show(column.of(p), p) : String(column.of(p))),
    );
    const button = element("button", { type: "button", tabindex: i === current ? 0 : -1 }, data.trial_ids[p.row]);
    return element(
      "tr",
      { "data-row": p.row, class: p.row === shown.trial ? "current" : undefined },
      ...cells,
      element("td", { class: "text" }, button),
    );
  });
  at("points").replaceChildren(
    element("thead", {}, element("tr", {}, ...head, element("th", { scope: "col", class: "text" }, "trial"))),
    element("tbody", {}, ...rows),
  );
  const note = order.length > MOST_ROWS ? ` The first ${MOST_ROWS} of ${order.length} are listed.` : "";
  at("points-note").textContent =
    `The points of the frontiers whose methods and seeds are shown. A heading sorts; Tab and the arrow keys move, Enter shows a trial.${note}`;
}

function sortBy(id, place) {
  shown.sort = { column: id, descending: shown.sort.column === id && !shown.sort.descending };
  fillPoints();
  at("points").querySelectorAll("thead button")[place].focus();
}

at("points").addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-row]");
  if (row) show(Number(row.dataset.row), event);
});
at("points").addEventListener("keydown", (event) => {
  const row = event.target.closest("tr[data-row]");
  const body = row && row.parentElement;
  const next =
    row &&
    {
      ArrowDown: row.nextElementSibling,
      ArrowUp: row.previousElementSibling,
      Home: body.firstElementChild,
      End: body.lastElementChild,
    }[event.key];
  if (!next) return;
  event.preventDefault();
  row.querySelector("button").tabIndex = -1;
  next.querySelector("button").tabIndex = 0;
  next.querySelector("button").focus();
});

function chosen() {
  if (!shown.rule) return [];
  const [x, y] = [losses(shown.x, selectedOn), losses(shown.y, selectedOn)];
  return frontRows
    .filter(({ rows }) => rows.length)
    .map(({ family, rows }) => ({ family, row: RULES[shown.rule](rows, family.rows, x, y) }));
}

function fillChosen() {
  for (const button of at("rules").querySelectorAll("button[data-rule]"))
    button.setAttribute("aria-pressed", String(button.dataset.rule !== "" && button.dataset.rule === shown.rule));
  const found = chosen();
  if (!shown.rule) return at("chosen").replaceChildren();
  const none = found.filter(({ row }) => row === undefined).map(({ family }) => nameOf(family));
  const head = ["method", "seed", ...[shown.x, shown.y].map((name) => `${labelOf(name)} (${shown.split})`), "trial"];
  const rows = found
    .filter(({ row }) => row !== undefined)
    .map(({ family, row }) =>
      element(
        "tr",
        {},
        element("td", { class: "text" }, symbolOf(family.method), ` ${labelOfMethod(family.method)}`),
        element("td", {}, String(seedOf(row))),
        ...[shown.x, shown.y].map((name) => element("td", {}, measured(values(name, shown.split)[row]))),
        element(
          "td",
          { class: "text" },
          element("button", { type: "button", onclick: (event) => show(row, event) }, data.trial_ids[row]),
        ),
      ),
    );
  const table = element(
    "table",
    {},
    element("caption", {}, `Chosen on ${selectedOn}, framed in the figure`),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        ...head.map((name, i) =>
          element("th", { scope: "col", class: i === 0 || i === head.length - 1 ? "text" : undefined }, name),
        ),
      ),
    ),
    element("tbody", {}, ...rows),
  );
  at("chosen").replaceChildren(
    ...(rows.length ? [element("div", { class: "wide" }, table)] : []),
    ...(none.length ? [element("p", { class: "note" }, `No point keeps this: ${none.join("; ")}.`)] : []),
  );
}

function labelRules() {
  const words = {
    maximised: ["Largest", "at least"],
    "best at 0": ["Nearest to 0:", "as near to 0 as"],
    "best at 1": ["Nearest to 1:", "as near to 1 as"],
  };
  const wordsOf = (name) => words[directionOf(name)] || ["Smallest", "at most"];
  const word = (name) => wordsOf(name)[0];
  const bound = (name) => `with ${labelOf(name)} ${wordsOf(name)[1]}`;
  const button = (rule) => at("rules").querySelector(`[data-rule=${rule}]`);
  button("smallest_x").textContent = `${word(shown.x)} ${labelOf(shown.x)}`;
  button("smallest_y").textContent = `${word(shown.y)} ${labelOf(shown.y)}`;
  at("bound-y-label").textContent = bound(shown.y);
  at("bound-x-label").textContent = bound(shown.x);
  for (const [id, name] of [
    ["bound-x", shown.x],
    ["bound-y", shown.y],
  ]) {
    const own = points
      .map(({ row }) => values(name, selectedOn)[row])
      .filter(Number.isFinite)
      .sort((a, b) => a - b);
    at(id).value = own.length ? Number(own[Math.floor(own.length / 2)].toPrecision(3)) : "";
  }
}
