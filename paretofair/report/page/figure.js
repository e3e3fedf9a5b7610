/** The figure. */
const CLOUD_WITHOUT_WEBGL = 3000;
const MOST_IN_LEGEND = 8;

const webgl = (() => {
  try {
    return Boolean(document.createElement("canvas").getContext("webgl"));
  } catch {
    return false;
  }
})();
let traceRows = []; // for each trace the row behind each of its points

function axis(name) {
  const metric = metrics.get(name);
  const words = { minimised: "smaller is better", maximised: "larger is better", diagnostic: "" };
  const better = words[metric.direction] ?? metric.direction;
  return {
    title: { text: forPlotly(`${labelOf(name)} on ${shown.split}${better ? ` (${better})` : ""}`), standoff: 8 },
    zeroline: false,
    gridcolor: "#e8e8e8",
    linecolor: "#767676",
    ticks: "outside",
    automargin: true,
  };
}

/** The middle nine tenths of the cloud, and as far as anything else reaches. */
function range(cloud, others) {
  const sorted = Float32Array.from(cloud.filter(Number.isFinite)).sort();
  const own = others.filter(Number.isFinite);
  if (!sorted.length && !own.length) return [0, 1];
  const ends = sorted.length
    ? [sorted[Math.floor(0.05 * sorted.length)], sorted[Math.ceil(0.95 * sorted.length) - 1]]
    : [];
  const low = Math.min(...ends, ...own),
    high = Math.max(...ends, ...own);
  const margin = 0.04 * (high - low) || 0.01;
  return [low - margin, high + margin];
}

function draw() {
  const own = computeFronts();
  const [x, y] = [values(shown.x, shown.split), values(shown.y, shown.split)];
  const traces = [];
  traceRows = [];
  const add = (rows, trace) => {
    traceRows.push(rows);
    traces.push({
      x: rows.map((row) => (row < 0 ? NaN : x[row])),
      y: rows.map((row) => (row < 0 ? NaN : y[row])),
      mode: "markers",
      type: webgl ? "scattergl" : "scatter",
      showlegend: false,
      ...trace,
    });
  };
  const texts = new Map(familyList.map((family) => [family.number, forPlotly(nameOf(family))]));
  const label = (row) => (row < 0 ? "" : texts.get(familyOf[row]));
  const hover = `%{text}<br>${forPlotly(labelOf(shown.x))} %{x:.4f}<br>${forPlotly(labelOf(shown.y))} %{y:.4f}<extra></extra>`;
  const found = at("attained").checked ? attained() : [];
  // Without lines there is nothing to see but points.
  const withPoints = at("dots").checked || !found.length;

  const cloudRows = own.flatMap((family) => family.rows);
  const byMethod = new Map(data.methods.map((method) => [method, []]));
  const stride = webgl ? 1 : Math.max(1, Math.ceil(cloudRows.length / CLOUD_WITHOUT_WEBGL));
  cloudRows.forEach((row, i) => {
    if (i % stride === 0) byMethod.get(methodOf(row)).push(row);
  });
  const opacity = Math.min(0.5, Math.max(0.12, 30 / Math.sqrt(cloudRows.length + 1)));
  if (at("cloud").checked) {
    for (const [method, rows] of byMethod) {
      add(rows, {
        text: rows.map(label),
        hovertemplate: hover,
        marker: { color: styleOf(method).colour, size: 4, opacity },
      });
    }
  }
  const members = points.map(({ row }) => row);
  const ends = [x, y].map((column, i) => {
    const corners = found.flatMap(({ surfaces }) =>
      fence(surfaces.flat().map((corner) => corner[i])).map((value) => turned(i ? shown.y : shown.x) * value),
    );
    const of = (rows) => rows.map((row) => column[row]);
    return range(at("cloud").checked ? of(cloudRows) : [], [...corners, ...(withPoints ? of(members) : [])]);
  });
  for (const trace of drawAttained(found, ends, !withPoints)) {
    traceRows.push([]);
    traces.push(trace);
  }
  for (const method of data.methods) {
    const { colour, symbol } = styleOf(method);
    const rows = frontRows.filter(({ family }) => family.method === method).flatMap((front) => front.rows);
    if (withPoints)
      add(rows, {
        name: forPlotly(labelOfMethod(method)),
        meta: "points",
        showlegend: !found.length && rows.length > 0 && checked("methods").size <= MOST_IN_LEGEND,
        text: rows.map(label),
        hovertemplate: hover,
        marker: { color: colour, symbol: symbol[0], size: 9, line: { color: "#fff", width: 1 } },
      });
    if (at("confirmed").checked && shown.split === "test") drawConfirmed(rows, method, add);
  }
  // Not on the canvas, which would be drawn anew with the whole cloud for each.
  const ring = (rows, symbol, size, colour, width) =>
    add(rows, {
      type: "scatter",
      hoverinfo: "skip",
      marker: { symbol, size, color: colour, line: { color: colour, width } },
    });
  ring(
    chosen().flatMap(({ row }) => (row === undefined ? [] : [row])),
    "diamond-open",
    19,
    "#000000",
    2.5,
  );
  ring(shown.trial === undefined ? [] : [shown.trial], "circle-open", 24, "#a31515", 3);

  const layout = {
    xaxis: { ...axis(shown.x), range: ends[0] },
    yaxis: { ...axis(shown.y), range: ends[1] },
    hovermode: "closest",
    margin: { l: 60, r: 10, t: 34, b: 50 },
    legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom", itemclick: false, itemdoubleclick: false },
    dragmode: "zoom",
    font: { family: "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif", size: 14, color: "#1a1a1a" },
    uirevision: JSON.stringify([shown.x, shown.y, shown.split, found.length > 0, withPoints, at("cloud").checked]),
  };
  const options = {
    responsive: true,
    displaylogo: false,
    // Back to what was shown first: lines go on far beyond it.
    doubleClick: "reset",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    // Plotly would offer to send the figure to its makers.
    showSendToCloud: false,
    plotlyServerURL: "",
  };
  Plotly.react(figure, traces, layout, options);
  say(cloudRows.length, stride, found, withPoints);
  fillPoints();
  fillChosen();
}

function drawConfirmed(rows, method, add) {
  const again = rows.filter((row) => data.confirmed[row]);
  const moment = (name, place) => again.map((row) => (confirmedOf(row, name) || [])[place]);
  const bars = (name) => ({
    type: "data",
    array: moment(name, 1),
    color: styleOf(method).colour,
    thickness: 1.5,
    width: 4,
  });
  const text = again.map((row) =>
    forPlotly(`${labelOfMethod(method)}, seed ${seedOf(row)}: mean of ${plural(data.confirmed[row].runs, "fresh seed")}`),
  );
  add(again, {
    x: moment(shown.x, 0),
    y: moment(shown.y, 0),
    error_x: bars(shown.x),
    error_y: bars(shown.y),
    text,
    hovertemplate: `%{text}<br>${forPlotly(labelOf(shown.x))} %{x:.4f} ± %{error_x.array:.4f}<br>${forPlotly(labelOf(shown.y))} %{y:.4f} ± %{error_y.array:.4f}<extra></extra>`,
    marker: {
      color: "#fff",
      symbol: styleOf(method).symbol[0],
      size: 9,
      line: { color: styleOf(method).colour, width: 2 },
    },
  });
}

function say(cloud, stride, found, withPoints) {
  const stored = storedFront();
  const objectives = stored ? stored.objectives : [shown.x, shown.y];
  const which =
    objectives.length > 4 ? `the objectives of “${stored.label}”` : objectives.map(labelOf).join(" and ");
  const fronts = frontRows.filter(({ rows }) => rows.length).length;
  const pooled = data.settings.pooled ? "each method, its seeds in one pool" : "each method and seed";
  let text = "";
  if (found.some(({ count }) => count > 1))
    text = `What at least half of the frontiers of a method reach on ${shown.split} (line), and between what a quarter and three quarters of them reach (band). `;
  else if (found.length) text = `What the frontier of each method reaches on ${shown.split} (lines). `;
  text += `There are ${plural(fronts, "frontier")} with ${plural(points.length, "point")}: of ${pooled}, the trials that no other beats in ${which} on ${selectedOn}`;
  text += withPoints ? `; markers are their values on ${shown.split}` : "";
  text += at("cloud").checked ? `, among ${plural(cloud, "trial")} (dots).` : ".";
  at("caption").textContent = text;
  const notes = [];
  if (!stored && !(hasFront(shown.x) && hasFront(shown.y)))
    notes.push("No frontier: one of the axes is a diagnostic, of which neither more nor less is better.");
  else if (at("attained").checked && !canAttain())
    notes.push("One of the axes is best at a value between others, so that no line bounds what is reached.");
  if (!isOfAxes()) notes.push("These points are chosen by other objectives than the two axes.");
  if (at("confirmed").checked && shown.split !== "test")
    notes.push("Means of fresh seeds are of test values, and so drawn on test only.");
  if (!webgl && at("cloud").checked && stride > 1)
    notes.push(`This browser has no WebGL: one in ${stride} trials is drawn; every frontier point is.`);
  at("note").textContent = notes.join(" ");
  at("note").hidden = !notes.length;
}
