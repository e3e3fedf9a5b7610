/** The controls, and the start of it all. */
const MOST_SEEDS = 60;

function fillControls() {
  const quantities = data.metrics.map(({ name, label, owner }) => ({ value: name, label, task: owner ?? "" }));
  for (const id of ["x", "y"]) offer(id, quantities, true);
  offer("front", [
    ...data.fronts.map(({ name, label }) => ({ value: name, label, task: data.tasks.includes(name) ? name : "" })),
    { value: "", label: "of x and y", task: "" },
  ]);
  at("splits").append(
    ...splits.map((split) =>
      element(
        "label",
        {},
        element("input", { type: "radio", name: "split", value: split, checked: split === shown.split }),
        ` ${split}`,
      ),
    ),
  );
  at("methods").append(
    ...data.methods.map((method) =>
      element(
        "label",
        {},
        element("input", { type: "checkbox", value: method, checked: true }),
        symbolOf(method),
        labelOfMethod(method),
      ),
    ),
  );
  at("methods").append(
    ...["all", "none"].map((value) =>
      element(
        "button",
        {
          type: "button",
          value,
          onclick: () => {
            for (const input of at("methods").querySelectorAll("input")) input.checked = value === "all";
            draw();
          },
        },
        value,
      ),
    ),
  );
  const seeds = [...new Set(unpacked(data.seed))].sort((a, b) => a - b);
  if (data.settings.pooled || seeds.length > MOST_SEEDS) at("seeds").append(`all ${seeds.length}`);
  else
    at("seeds").append(
      ...seeds.map((seed) =>
        element("label", {}, element("input", { type: "checkbox", value: String(seed), checked: true }), ` ${seed}`),
      ),
    );
  at("confirmed-label").hidden = !Object.keys(data.confirmed).length;
  // The points of one frontier are few, and its line joins the best of them.
  at("dots").checked = data.settings.pooled || seeds.length === 1;
  for (const id of ["x", "y", "front"]) choose(id, shown[id]);
}

function changed(event) {
  const id = event.target.id;
  if (offered.has(id) && askedForMore(id, shown[id])) return;
  if (id === "front") {
    shown.front = at("front").value;
    const stored = storedFront();
    if (stored && !(stored.objectives.includes(shown.x) && stored.objectives.includes(shown.y)))
      [shown.x, shown.y] = stored.objectives;
  } else if (id === "x" || id === "y") {
    shown[id] = at(id).value;
    const same = data.fronts.find(
      (front) =>
        front.objectives.length === 2 &&
        front.objectives.includes(shown.x) &&
        front.objectives.includes(shown.y) &&
        shown.x !== shown.y,
    );
    const stored = storedFront();
    if (!stored || stored.objectives.length === 2 || same) shown.front = same ? same.name : "";
  } else if (event.target.name === "split") {
    shown.split = event.target.value;
  }
  for (const each of ["x", "y", "front"]) choose(each, shown[each]);
  draw();
  if (event.target.name === "split" && shown.trial !== undefined) show(shown.trial);
  if (["front", "x", "y"].includes(id)) {
    labelRules();
    fillChosen();
  }
}

at("controls").addEventListener("submit", (event) => event.preventDefault());
at("rules").addEventListener("submit", (event) => event.preventDefault());
at("controls").addEventListener("change", changed);
at("rules").addEventListener("click", (event) => {
  const button = event.target.closest("button[data-rule]");
  if (!button) return;
  shown.rule = button.dataset.rule;
  draw();
});
at("rules").addEventListener("change", () => {
  if (shown.rule) draw();
});

fillHeader();
fillTables();
fillAbout();
if (data.trials && names.length) {
  fillControls();
  draw();
  labelRules();
  figure.on("plotly_click", ({ points: [point], event }) => {
    const row = traceRows[point.curveNumber][point.pointNumber];
    if (row >= 0) show(row, event);
  });
} else {
  at("caption").textContent = "No trial has trained to its full budget yet.";
}
document.documentElement.dataset.ready = String(performance.now());
