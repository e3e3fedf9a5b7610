/** What does not change: header, tables, settings and environments. */
function fillHeader() {
  const seeds = new Set(unpacked(data.seed));
  at("title").textContent = `${data.title}: accuracy-fairness frontiers`;
  const others = Object.entries(data.left_out)
    .map(([what, count]) => `${count.toLocaleString("en")} ${what}`)
    .join(", ");
  at("what").textContent =
    `${plural(data.trials, "trial")} of ${plural(data.methods.length, "method")} and ${plural(seeds.size, "seed")}; ${data.source} data; chosen on ${selectedOn}.` +
    (others ? ` Not among them: ${others}.` : "");
  const banners = [];
  if (data.source !== "real") {
    const simulated = data.source.includes("simulated");
    banners.push([
      "strong",
      simulated
        ? "Simulated data: these numbers say nothing about the real data set."
        : `Whether the data are real is not said (column source): ${data.source}.`,
    ]);
  }
  if (data.settings.protocol === "paper")
    banners.push([
      "strong",
      "Protocol “paper”: points are chosen on the test rows, and the seeds of a method are one pool, as published. Their test values are too good.",
    ]);
  at("banners").append(...banners.map(([kind, ...parts]) => element("p", { class: `banner ${kind}` }, ...parts)));
  at("findings").hidden = !data.findings.length;
  at("findings-list").append(...data.findings.map((sentence) => element("li", {}, sentence)));
}

function overSeeds(table) {
  const place = (name) => table.columns.indexOf(name);
  const rows = data.methods.map((method) => {
    const own = table.rows.filter((row) => row[place("method")] === method);
    const moments = ["hypervolume", "test_hypervolume"].flatMap((name) => {
      const all = own.map((row) => row[place(name)]).filter(isNumber);
      const mean = all.reduce((a, b) => a + b, 0) / all.length;
      return [mean, Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (all.length - 1))];
    });
    return [method, ...moments, moments[0] - moments[2], own.length];
  });
  return {
    columns: [
      "method",
      `on ${selectedOn}`,
      `on ${selectedOn}_std`,
      "the same points on test",
      "the same points on test_std",
      "difference",
      "fronts",
    ],
    rows,
  };
}

function fillTables() {
  const { summary, per_task: perTask, hypervolume, baselines } = data.tables;
  const corner = data.settings.reference;
  const add = (caption, table, folded) => {
    if (!table || !table.rows.length) return;
    const place = (row) => (table.columns[0] === "method" ? data.methods.indexOf(row[0]) : 0);
    table.rows.sort((a, b) => place(a) - place(b));
    const made = tableOf(table, folded ? undefined : caption);
    at("tables").append(folded ? element("details", {}, element("summary", {}, caption), made) : made);
  };
  add(`${data.settings.leading} on test at the ${data.settings.rule} of each frontier (chosen on ${selectedOn}): means over seeds`, summary);
  add(`Error and ${shortNames.get(data.settings.gap) ?? data.settings.gap} on test at the same points`, perTask);
  if (hypervolume.rows.length) {
    add(
      `Hypervolume of the ARFG-ARE frontiers to the point (${corner.arfg}, ${corner.are}), larger is better: means over seeds`,
      overSeeds(hypervolume),
    );
    add("Hypervolume of every frontier", hypervolume, true);
  }
  for (const { name, label, objectives, reference, exact } of data.compared) {
    const table = data.tables[`hypervolume ${name}`];
    const ends = objectives.map((each, place) => `${labelOf(each)} ${reference[place]}`).join("; ");
    add(
      `${exact ? "Hypervolume" : "Approximate hypervolume"} of the frontiers ${label} to the point (${ends}), larger is better: means over seeds`,
      table.rows.length ? overSeeds(table) : table,
    );
  }
  for (const { caption, ...table } of data.folds) add(caption, table, true);
  add("Single-task models, which ARE and ARFG divide by", baselines, true);
  if (!at("tables").querySelector("table"))
    at("tables").append(
      element("p", { class: "quiet" }, "There are no single-task models yet, and so no ARE and ARFG."),
    );
}

function flat(value, name = "") {
  if (value === null || typeof value !== "object") return [[name, value === null ? "–" : String(value)]];
  const entries = Array.isArray(value)
    ? [[name, value.map((each) => (typeof each === "object" ? JSON.stringify(each) : each)).join(", ") || "none"]]
    : Object.entries(value).flatMap(([key, own]) => flat(own, name ? `${name}.${key}` : key));
  return entries;
}
const listed = (object, caption) =>
  element(
    "div",
    { class: "wide" },
    element(
      "table",
      {},
      element("caption", {}, caption),
      element(
        "tbody",
        {},
        ...flat(object).map(([name, value]) =>
          element(
            "tr",
            {},
            element("th", { scope: "row", class: "text" }, name),
            element("td", { class: "text break" }, value),
          ),
        ),
      ),
    ),
  );

function fillAbout() {
  const { reference, ...settings } = data.settings;
  at("about").append(
    listed({ ...settings, source: data.source, "hypervolume's reference point": reference }, "Settings"),
  );
  for (const run of data.runs) {
    if (run.environment) at("about").append(listed(run.environment, `Environment of ${run.folder}`));
    if (run.space)
      at("about").append(
        element("details", {}, element("summary", {}, `Space file of ${run.folder}`), element("pre", {}, run.space)),
      );
  }
  at("about").append(
    element(
      "p",
      { class: "quiet" },
      "Numbers on this page are rounded to single precision; the trial table has all digits. Figure by plotly.js (MIT licence).",
    ),
  );
}
