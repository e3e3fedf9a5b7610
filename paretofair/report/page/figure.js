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
    title: { text: forPlotly(`${name} on ${shown.split}${better ? ` (${better})` : ""}`), standoff: 8 },
    zeroline: false,
    gridcolor: "#e8e8e8",
    linecolor: "#767676",
    ticks: "outside",
    automargin: true,
  };
}

/** The middle nine tenths of the cloud, and as far as the frontiers reach. */
function range(column, cloud, front) {
  const sorted = Float32Array.from(
    cloud.filter((row) => Number.isFinite(column[row])),
    (row) => column[row],
  ).sort();
  const own = front.map((row) => column[row]).filter(Number.isFinite);
  if (!sorted.length && !own.length) return undefined;
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
  const hover = `%{text}<br>${forPlotly(shown.x)} %{x:.4f}<br>${forPlotly(shown.y)} %{y:.4f}<extra></extra>`;

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
  const line = isLine();
  for (const method of data.methods) {
    const { colour, symbol } = styleOf(method);
    // Between the frontiers of two seeds the line breaks.
    const rows = frontRows.filter(({ family }) => family.method === method).flatMap((front) => [...front.rows, -1]);
    const chooses = shown.split === selectedOn;
    add(rows, {
      name: forPlotly(method),
      showlegend: rows.length > 0 && checked("methods").size <= MOST_IN_LEGEND,
      mode: line ? "lines+markers" : "markers",
      text: rows.map(label),
      hovertemplate: hover,
      line: {
        color: colour,
        width: chooses ? 1.5 : 1,
        dash: chooses ? "solid" : "dot",
        shape: chooses ? "hv" : "linear",
      },
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

  const members = points.map(({ row }) => row);
  const layout = {
    xaxis: { ...axis(shown.x), range: range(x, cloudRows, members) },
    yaxis: { ...axis(shown.y), range: range(y, cloudRows, members) },
    hovermode: "closest",
    margin: { l: 60, r: 10, t: 34, b: 50 },
    legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom", itemclick: false, itemdoubleclick: false },
    dragmode: "zoom",
    font: { family: "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif", size: 14, color: "#1a1a1a" },
    uirevision: JSON.stringify([shown.x, shown.y, shown.split]),
  };
  const options = {
    responsive: true,
    displaylogo: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d"],
    // Plotly would offer to send the figure to its makers.
    showSendToCloud: false,
    plotlyServerURL: "",
  };
  Plotly.react(figure, traces, layout, options);
  say(cloudRows.length, stride);
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
    forPlotly(`${method}, seed ${seedOf(row)}: mean of ${plural(data.confirmed[row].runs, "fresh seed")}`),
  );
  add(again, {
    x: moment(shown.x, 0),
    y: moment(shown.y, 0),
    error_x: bars(shown.x),
    error_y: bars(shown.y),
    text,
    hovertemplate: `%{text}<br>${forPlotly(shown.x)} %{x:.4f} ± %{error_x.array:.4f}<br>${forPlotly(shown.y)} %{y:.4f} ± %{error_y.array:.4f}<extra></extra>`,
    marker: {
      color: "#fff",
      symbol: styleOf(method).symbol[0],
      size: 9,
      line: { color: styleOf(method).colour, width: 2 },
    },
  });
}

function say(cloud, stride) {
  const stored = storedFront();
  const which = stored ? stored.objectives.join(", ") : `${shown.x}, ${shown.y}`;
  const fronts = frontRows.filter(({ rows }) => rows.length).length;
  const pooled = data.settings.pooled ? "each method, its seeds in one pool" : "each method and seed";
  let text = `${plural(points.length, "point")} of ${plural(fronts, "frontier")}: of ${pooled}, the trials that no other beats in ${which} on ${selectedOn}`;
  text += `; their values on ${shown.split}${at("cloud").checked ? `, among ${plural(cloud, "trial")}` : ""}.`;
  if (isLine() && shown.split !== selectedOn && points.length)
    text += ` Lines follow the order of ${selectedOn}: where they turn back, the choice did not carry over.`;
  at("caption").textContent = text;
  const notes = [];
  if (!stored && !(hasFront(shown.x) && hasFront(shown.y)))
    notes.push("No frontier: one of the axes is a diagnostic, of which neither more nor less is better.");
  if (!isLine()) notes.push("These points are chosen by other objectives than the two axes, so no line joins them.");
  if (at("confirmed").checked && shown.split !== "test")
    notes.push("Means of fresh seeds are of test values, and so drawn on test only.");
  if (!webgl && at("cloud").checked && stride > 1)
    notes.push(`This browser has no WebGL: one in ${stride} trials is drawn; every frontier point is.`);
  at("note").textContent = notes.join(" ");
  at("note").hidden = !notes.length;
}
