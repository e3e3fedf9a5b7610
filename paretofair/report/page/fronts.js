/** What is shown, its frontiers, and the rules that choose a point of each. */
const names = data.metrics.map((metric) => metric.name);
const withPair = data.fronts.find(
  (front) => front.objectives.length === 2 && front.objectives.every((name) => metrics.has(name)),
);
const shown = {
  x: withPair ? withPair.objectives[0] : names[0],
  y: withPair ? withPair.objectives[1] : names[1] || names[0],
  split: "test",
  front: withPair ? withPair.name : "",
  rule: "",
  sort: { column: "method", descending: false },
  trial: undefined,
};
let frontRows = []; // of the methods and seeds shown: {family, rows}
let points = []; // one entry for each row of the table
const splits = ["train", "validation", "test"].filter((split) => data.metrics.some((metric) => metric.splits[split]));
if (!splits.includes(shown.split)) shown.split = splits[splits.length - 1];

const checked = (id) => new Set([...at(id).querySelectorAll("input:checked")].map((input) => input.value));

/** Rows that no other row of the same list beats in x and y, smallest x first; ties are kept, NaN is left out. */
function nonDominated(rows, x, y) {
  const order = rows.filter((row) => Number.isFinite(x[row]) && Number.isFinite(y[row]));
  order.sort((a, b) => x[a] - x[b] || y[a] - y[b]);
  const front = [];
  let best = Infinity;
  for (let i = 0; i < order.length;) {
    const first = order[i];
    let end = i;
    while (end < order.length && x[order[end]] === x[first]) end++;
    for (; i < end; i++) if (y[order[i]] === y[first] && y[first] < best) front.push(order[i]);
    best = Math.min(best, y[first]);
  }
  return front;
}

const losses = (name, split) => {
  const own = values(name, split);
  return directionOf(name) in LOSSES ? own.map((value) => loss(name, value)) : own;
};

/** The rules of paretofair.pareto.selection, on minimised values of the split that chooses: a row, or undefined. */
const RULES = {
  midpoint(front, runs, x, y) {
    const finite = runs.map((row) => y[row]).filter(Number.isFinite);
    const middle = (finite.reduce((a, b) => Math.min(a, b)) + finite.reduce((a, b) => Math.max(a, b))) / 2;
    return smallest(
      front,
      (row) => Math.abs(y[row] - middle),
      (row) => y[row],
    );
  },
  knee(front, runs, x, y) {
    const members = nonDominated(front, x, y);
    if (!members.length) return undefined;
    const [first, last] = [members[0], members[members.length - 1]];
    const [width, height] = [x[last] - x[first] || 1, y[first] - y[last] || 1];
    const depth = (row) => 1 - (x[row] - x[first]) / width - (y[row] - y[last]) / height;
    const deepest = Math.max(...members.map(depth));
    return members.find((row) => depth(row) >= deepest - 1e-12);
  },
  smallest_x: (front, runs, x, y) => smallestUnder(front, x, y, loss(shown.y, number("bound-y"))),
  smallest_y: (front, runs, x, y) => smallestUnder(front, y, x, loss(shown.x, number("bound-x"))),
  weighted(front, runs, x, y) {
    const weights = [number("weight-x"), number("weight-y")];
    if (weights.some((weight) => !(weight >= 0)) || !(weights[0] + weights[1] > 0)) return undefined;
    return smallest(
      front,
      (row) => weights[0] * x[row] + weights[1] * y[row],
      (row) => x[row],
      (row) => y[row],
    );
  },
};

const number = (id) => at(id).valueAsNumber;
function smallestUnder(front, own, limited, bound) {
  const finite = front.filter((row) => Number.isFinite(own[row]) && limited[row] <= bound);
  return smallest(
    finite,
    (row) => own[row],
    (row) => limited[row],
  );
}
/** The first row with the smallest of the first key, among equal ones of the second, and so on. */
function smallest(rows, ...keys) {
  let best;
  for (const row of rows.filter((each) => keys.every((key) => Number.isFinite(key(each))))) {
    const differ = best === undefined ? undefined : keys.find((key) => key(row) !== key(best));
    if (best === undefined || (differ && differ(row) < differ(best))) best = row;
  }
  return best;
}

function storedFront() {
  return data.fronts.find((front) => front.name === shown.front);
}

function computeFronts() {
  const stored = storedFront();
  const methods = checked("methods"),
    seeds = checked("seeds");
  const everySeed = data.settings.pooled || !at("seeds").querySelector("input");
  const own = familyList.filter(
    (family) => methods.has(family.method) && (everySeed || seeds.has(String(family.seed))),
  );
  const members = stored && new Set(stored.rows);
  const [x, y] = [losses(shown.x, selectedOn), losses(shown.y, selectedOn)];
  const possible = stored || (hasFront(shown.x) && hasFront(shown.y));
  frontRows = own.map((family) => {
    let rows = [];
    if (members) rows = family.rows.filter((row) => members.has(row)).sort((a, b) => x[a] - x[b] || y[a] - y[b]);
    else if (possible) rows = nonDominated(family.rows, x, y);
    return { family, rows };
  });
  points = frontRows.flatMap(({ family, rows }) => rows.map((row) => ({ family, row })));
  return own;
}

/** Whether the frontier shown is that of the two axes. */
const isOfAxes = () => {
  const stored = storedFront();
  return (
    !stored ||
    (stored.objectives.length === 2 && stored.objectives.includes(shown.x) && stored.objectives.includes(shown.y))
  );
};
