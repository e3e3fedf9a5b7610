/** Where there are many tasks a few are shown at first, and the others behind a button. */
const few = new Set(data.few_tasks);
const MORE = "\u0000more"; // the value of an option that no name can have
let everyTask = false; // what was asked for last

const moreTasks = (count) => `Show ${plural(count, "more task")}`;

/** A button that shows and hides the nodes of other tasks, in a list of [task, node]; nothing where there are none. */
function foldTasks(tagged) {
  const rest = tagged.filter(([task]) => task && !few.has(task));
  if (!rest.length) return [];
  const count = new Set(rest.map(([task]) => task)).size;
  const button = element("button", { type: "button", class: "fold", onclick: () => set((everyTask = !isOpen())) });
  const isOpen = () => button.getAttribute("aria-expanded") === "true";
  const set = (open) => {
    for (const [, node] of rest) node.hidden = !open;
    button.textContent = open ? "Show fewer tasks" : moreTasks(count);
    button.setAttribute("aria-expanded", String(open));
  };
  set(everyTask);
  return [button];
}

/** Options of a choice, `{value, label, task}` each: those of other tasks come when they are asked for. */
const offered = new Map();
function offer(id, entries, grouped) {
  const select = at(id);
  const fill = (all) => {
    const listed = entries.filter(({ task }) => all || !task || few.has(task));
    const option = ({ value, label }) => element("option", { value, title: value || false }, label);
    const parts = listed.filter(({ task }) => !grouped || !task).map(option);
    for (const task of grouped ? data.tasks : []) {
      const own = listed.filter((entry) => entry.task === task);
      if (own.length) parts.push(element("optgroup", { label: labelOfTask(task) }, ...own.map(option)));
    }
    const count = new Set(entries.map(({ task }) => task).filter((task) => task && !few.has(task))).size;
    if (!all && count) parts.push(element("option", { value: MORE }, `${moreTasks(count)} …`));
    select.replaceChildren(...parts);
  };
  offered.set(id, fill);
  fill(false);
}

/** Chooses a value, which may be of a task that is not offered yet. */
function choose(id, value) {
  const select = at(id);
  if (![...select.options].some((option) => option.value === value)) offered.get(id)(true);
  select.value = value;
}

/** Whether a choice was for more options, which then are there; `value` stays chosen. */
function askedForMore(id, value) {
  const select = at(id);
  if (select.value !== MORE) return false;
  offered.get(id)(true);
  select.value = value;
  try {
    select.showPicker();
  } catch {
    select.focus();
  }
  return true;
}
