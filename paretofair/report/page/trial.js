/** The panel of one trial. */
const FEW_ROWS = 50;

/** Fills the panel; `event` is what asked for it, from which the time of the answer is taken. */
function show(row, event) {
  shown.trial = row;
  const method = methodOf(row),
    seed = seedOf(row);
  const said = [shown.x, shown.y].map((name) => `${labelOf(name)} ${measured(values(name, shown.split)[row])}`).join(", ");
  at("details-what").replaceChildren(
    symbolOf(method),
    ` ${labelOfMethod(method)}, seed ${seed}, trial ${data.trial_ids[row]}: ${said} on ${shown.split}.`,
  );
  at("details-body").replaceChildren(modelOf(row), configuration(row), metricsOf(row), groupsOf(row));
  const last = figure.data.length - 1;
  traceRows[last] = [row];
  Plotly.restyle(figure, { x: [[values(shown.x, shown.split)[row]]], y: [[values(shown.y, shown.split)[row]]] }, [
    last,
  ]);
  for (const line of at("points").querySelectorAll("tbody tr"))
    line.classList.toggle("current", Number(line.dataset.row) === row);
  at("details").dataset.trial = data.trial_ids[row];
  at("details").dataset.milliseconds = event ? String(performance.now() - event.timeStamp) : "";
}

const quoted = (text) => (/^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** The command that saves the model, trained again where the run has not kept it. */
function modelOf(row) {
  const run = data.runs[unpacked(data.run)[row]];
  if (!run)
    return element(
      "p",
      { class: "quiet" },
      "This trial is from a table made elsewhere: there is no command that makes its model.",
    );
  const command = `python launch/export.py ${quoted(run.folder)} --trial ${quoted(data.trial_ids[row])}`;
  const copy = element(
    "button",
    {
      type: "button",
      onclick: async () => {
        try {
          await navigator.clipboard.writeText(command);
          copy.textContent = "Copied";
        } catch {
          getSelection().selectAllChildren(code);
          copy.textContent = "Selected";
        }
      },
    },
    "Copy",
  );
  const code = element("code", {}, command);
  return element("div", {}, element("h3", {}, "Save its model"), element("div", { class: "command" }, code, copy));
}

function configuration(row) {
  const filled = (columns) =>
    columns
      .map(({ name, label = name, task, values: column }) => [name, label, task, cell(column, row)])
      .filter(([, , , value]) => value !== null && !Number.isNaN(value));
  const table = (caption, columns) => {
    const lines = filled(columns).map(([name, label, task, value]) => [
      task,
      element(
        "tr",
        {},
        element("th", { scope: "row", class: "text", title: name }, label),
        element("td", {}, exact(value)),
      ),
    ]);
    return element(
      "div",
      {},
      element(
        "table",
        {},
        element("caption", {}, caption),
        element("tbody", {}, ...lines.map(([, line]) => line)),
      ),
      ...foldTasks(lines),
    );
  };
  return element(
    "div",
    {},
    table("Configuration", data.hyperparameters),
    ...(data.complete
      ? []
      : [
          element(
            "p",
            { class: "note" },
            "Of so many tasks the page has a part of the metrics and hyperparameters; the trial table has all.",
          ),
        ]),
    element("details", {}, element("summary", {}, "Training"), table("", data.trained)),
  );
}

function metricsOf(row) {
  const again = data.confirmed[row];
  const width = splits.length + 1 + (again ? 1 : 0);
  const body = element("tbody", {}),
    lines = [];
  const append = (task, line) => {
    body.append(line);
    lines.push([task, line]);
  };
  for (const task of ["", ...data.tasks]) {
    const own = data.metrics.filter(({ owner }) => (owner ?? "") === task);
    if (task && own.length)
      append(
        task,
        element("tr", { class: "part" }, element("th", { colspan: width, scope: "rowgroup" }, labelOfTask(task))),
      );
    for (const metric of own) {
      const name = metric.task === task ? metric.short : metric.label;
      append(
        task,
        element(
          "tr",
          {},
          element("th", { scope: "row", class: "text", title: metric.name }, name),
          ...splits.map((split) => element("td", {}, measured(values(metric.name, split)[row]))),
          ...(again ? [element("td", {}, deviating(confirmedOf(row, metric.name)))] : []),
        ),
      );
    }
  }
  const head = ["metric", ...splits, ...(again ? [`test, ${plural(again.runs, "fresh seed")}`] : [])];
  return element(
    "div",
    { class: "wide" },
    element(
      "table",
      { id: "trial-metrics" },
      element("caption", {}, "Metrics"),
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          ...head.map((name, i) => element("th", { scope: "col", class: i ? undefined : "text" }, name)),
        ),
      ),
      body,
    ),
    ...foldTasks(lines),
  );
}

/** Positives, negatives, true and false positives of every cell of one task. */
function countsOf(row, split, task) {
  const groups = data.groups,
    own = groups.splits[split];
  const place = groups.trials ? unpacked(groups.trials).indexOf(row) : row;
  const size = groups.cells,
    tasks = groups.tasks.length;
  const kind = unpacked(own.kind)[place],
    behind = unpacked(own.rows);
  return Array.from({ length: size }, (_, i) => {
    const count = (place * tasks + task) * size + i,
      rows = ((kind * tasks + task) * size + i) * 2;
    return [behind[rows], behind[rows + 1], unpacked(own.tp)[count], unpacked(own.fp)[count]];
  });
}

function groupsOf(row) {
  const groups = data.groups;
  const box = element("div", {}, element("h3", {}, "Rates by group"));
  if (!groups) box.append(element("p", { class: "quiet" }, "This table has no counts by group."));
  else if (groups.trials && !unpacked(groups.trials).includes(row)) {
    box.append(
      element(
        "p",
        { class: "note" },
        "The page has the counts of frontier points only, as those of all trials would make it too large; audit.csv and the trial table have more.",
      ),
    );
  } else {
    const tables = element("div", {});
    const choice = element(
      "select",
      { id: "group-split", onchange: () => fill(choice.value) },
      ...Object.keys(groups.splits).map((split) => element("option", { value: split }, split)),
    );
    const fill = (split) => {
      const every = groups.tasks.map((task, t) => [task.task, groupTable(task, countsOf(row, split, t))]);
      tables.replaceChildren(...every.map(([, table]) => table), ...foldTasks(every));
    };
    choice.value = groups.splits[shown.split] ? shown.split : Object.keys(groups.splits)[0];
    fill(choice.value);
    box.append(
      element("label", {}, "on ", choice),
      element(
        "p",
        { class: "quiet" },
        `Gaps are between groups of at least ${FEW_ROWS} rows; smaller groups are grey.`,
      ),
      tables,
    );
  }
  return box;
}

const RATES = [
  ["error", ([positives, negatives, tp, fp]) => (positives - tp + fp) / (positives + negatives)],
  ["FPR", ([, negatives, , fp]) => fp / negatives],
  ["TPR", ([positives, , tp]) => tp / positives],
  ["positive", ([positives, negatives, tp, fp]) => (tp + fp) / (positives + negatives)],
];

function groupTable(task, cells) {
  const body = element("tbody", {});
  for (const grouping of data.groups.groupings) {
    body.append(
      element("tr", { class: "part" }, element("th", { colspan: RATES.length + 2, scope: "rowgroup" }, grouping.name)),
    );
    const large = [];
    for (const group of grouping.groups) {
      const counts = [0, 1, 2, 3].map((i) => group.cells.reduce((sum, index) => sum + cells[index][i], 0));
      const rows = counts[0] + counts[1],
        rates = RATES.map(([, rate]) => rate(counts));
      if (rows >= FEW_ROWS) large.push(rates);
      body.append(
        element(
          "tr",
          { class: rows < FEW_ROWS ? "quiet" : undefined },
          element("th", { scope: "row", class: "text" }, group.name),
          ...rates.map((rate) => element("td", {}, measured(rate))),
          element("td", {}, String(rows)),
        ),
      );
    }
    const gaps = RATES.map((_, i) =>
      large.length > 1
        ? Math.max(...large.map((rates) => rates[i])) - Math.min(...large.map((rates) => rates[i]))
        : NaN,
    );
    body.append(
      element(
        "tr",
        { class: "gap" },
        element("th", { scope: "row", class: "text" }, "gap"),
        ...gaps.map((gap) => element("td", {}, measured(gap))),
        element("td", {}, ""),
      ),
    );
  }
  return element(
    "div",
    { class: "wide" },
    element(
      "table",
      { "data-task": task.name },
      element("caption", {}, task.label),
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          element("th", { scope: "col", class: "text" }, "group"),
          ...RATES.map(([name]) => element("th", { scope: "col" }, name)),
          element("th", { scope: "col" }, "rows"),
        ),
      ),
      body,
    ),
  );
}
