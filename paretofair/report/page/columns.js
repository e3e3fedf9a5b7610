/** The columns of the page's data, decoded where they are first looked at. */
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const figure = at("figure");
const selectedOn = data.settings.selected_on;
const TYPES = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i4: Int32Array, f4: Float32Array };

const decoded = new Map();
function unpacked(column) {
  if (!decoded.has(column)) {
    const text = atob(column.data);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    decoded.set(column, new TYPES[column.type](bytes.buffer));
  }
  return decoded.get(column);
}
const cell = (column, row) => (column.levels ? column.levels[unpacked(column.codes)[row]] : unpacked(column)[row]);

const metrics = new Map(data.metrics.map((metric) => [metric.name, metric]));
const shortNames = new Map(data.metrics.map((metric) => [metric.metric, metric.short]));
// What names are called; each is shown as it is where nothing is said of it.
const labelOf = (name) => (metrics.has(name) ? metrics.get(name).label : name);
const labelOfMethod = (method) => data.labels.methods[method] ?? method;
const labelOfTask = (task) => data.labels.tasks[task] ?? task;
const missing = new Float32Array(data.trials).fill(NaN);
const values = (name, split) => {
  const column = metrics.get(name).splits[split];
  return column ? unpacked(column) : missing;
};
/** A value as something to be minimised: turned round where it is maximised, its distance from where it is best. */
const LOSSES = {
  maximised: (value) => -value,
  "best at 0": (value) => Math.abs(value),
  "best at 1": (value) => Math.abs(value - 1),
};
const directionOf = (name) => metrics.get(name).direction;
const loss = (name, value) => (LOSSES[directionOf(name)] || ((same) => same))(value);
const hasFront = (name) => directionOf(name) !== "diagnostic";
const methodOf = (row) => cell(data.method, row);
const seedOf = (row) => unpacked(data.seed)[row];

// A frontier is one of a method and seed, or of a method where seeds are pooled.
const families = new Map();
const familyOf = new Uint32Array(data.trials);
for (let row = 0; row < data.trials; row++) {
  const method = methodOf(row),
    seed = data.settings.pooled ? "all" : seedOf(row);
  const key = JSON.stringify([method, seed]);
  if (!families.has(key)) families.set(key, { method, seed, rows: [], number: families.size });
  const family = families.get(key);
  family.rows.push(row);
  familyOf[row] = family.number;
}
const familyList = [...families.values()].sort(
  (a, b) => data.methods.indexOf(a.method) - data.methods.indexOf(b.method) || a.seed - b.seed,
);
const nameOf = ({ method, seed }) => (data.settings.pooled ? labelOfMethod(method) : `${labelOfMethod(method)}, seed ${seed}`);
