/** What the frontiers of several seeds reach together, in the plane of the two axes. */
const LEVELS = [0.25, 0.5, 0.75];
const BEYOND = 20; // panels, as far as lines and bands go on beyond their own
const turned = (name) => (directionOf(name) === "maximised" ? -1 : 1);
const canAttain = () => [shown.x, shown.y].every((name) => ["minimised", "maximised"].includes(directionOf(name)));

/** Lower corners, smallest first loss first, of the region that at least a share `level` of the fronts attains; each
 * front is a list of pairs of losses. As paretofair.pareto.attainment. */
function attainmentSurface(fronts, level) {
  const needed = Math.max(1, Math.ceil(level * fronts.length - 1e-9));
  const points = fronts
    .flatMap((own, front) => own.map(([x, y]) => ({ x, y, front })))
    .filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))
    .sort((a, b) => a.x - b.x || a.y - b.y);
  const best = new Array(fronts.length).fill(Infinity);
  const corners = [];
  let last = Infinity;
  for (let i = 0; i < points.length;) {
    const { x } = points[i];
    for (; i < points.length && points[i].x === x; i++)
      best[points[i].front] = Math.min(best[points[i].front], points[i].y);
    const y = [...best].sort((a, b) => a - b)[needed - 1];
    if (y < last) {
      corners.push([x, y]);
      last = y;
    }
  }
  return corners;
}

/** By method the surfaces at `LEVELS`, of the frontiers that are shown, and the number of these. */
function attained() {
  if (!canAttain()) return [];
  const [x, y] = [losses(shown.x, shown.split), losses(shown.y, shown.split)];
  return data.methods.flatMap((method) => {
    const fronts = frontRows
      .filter(({ family, rows }) => family.method === method && rows.length)
      .map(({ rows }) => rows.map((row) => [x[row], y[row]]));
    if (!fronts.length) return [];
    return [{ method, count: fronts.length, surfaces: LEVELS.map((level) => attainmentSurface(fronts, level)) }];
  });
}

/** The boundary of what a surface attains, from far above the panel to far to the right of it. */
function staircase(surface, [right, high]) {
  if (!surface.length) return [[right, high]];
  const path = [[surface[0][0], high]];
  surface.forEach(([x, y], i) => {
    path.push([x, y]);
    path.push([i + 1 < surface.length ? surface[i + 1][0] : right, y]);
  });
  return path;
}

/** Values without those that lie beyond the quartiles by more than three times their distance. */
function fence(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (!sorted.length) return [];
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  const reach = 3 * (at(0.75) - at(0.25));
  return sorted.filter((value) => value >= at(0.25) - reach && value <= at(0.75) + reach);
}

/** Bands and lines as traces; `ends` are those of the panel, by axis. */
function drawAttained(found, ends, withHover) {
  const signs = [turned(shown.x), turned(shown.y)];
  const far = ends.map(([low, high], i) => {
    const worst = Math.max(signs[i] * low, signs[i] * high);
    return worst + BEYOND * (high - low);
  });
  const trace = (path) => ({
    x: path.map(([x]) => signs[0] * x),
    y: path.map(([, y]) => signs[1] * y),
    type: "scatter",
    mode: "lines",
    hoverinfo: "skip",
    showlegend: false,
  });
  const bands = found
    .filter(({ count }) => count > 1)
    .map(({ method, surfaces: [best, , worst] }) => ({
      ...trace([...staircase(best, far), ...staircase(worst, far).reverse()]),
      line: { width: 0 },
      fill: "toself",
      fillcolor: `${styleOf(method).colour}38`,
    }));
  const half = (count) => (count > 1 ? "at least half of its frontiers reach" : "its frontier reaches");
  const lines = found.map(({ method, count, surfaces }) => ({
    ...trace(staircase(surfaces[1], far)),
    name: forPlotly(labelOfMethod(method)),
    meta: method,
    showlegend: found.length <= MOST_IN_LEGEND,
    line: { color: styleOf(method).colour, width: 2.5, dash: styleOf(method).dash },
    ...(withHover
      ? {
          hoverinfo: "all",
          hovertemplate: `${forPlotly(labelOfMethod(method))}: ${half(count)}<br>${forPlotly(labelOf(shown.x))} %{x:.4f}<br>${forPlotly(labelOf(shown.y))} %{y:.4f}<extra></extra>`,
        }
      : {}),
  }));
  return [...bands, ...lines];
}
