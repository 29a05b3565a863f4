// The desk of a review: draws what `shown` and `picture` say, and sends what a key asks for. Text goes in as text, never as markup.

const KEYS = [
  ["Enter", "all other values are right, next document"],
  ["↑ ↓", "choose a value, and see where it stands"],
  ["e", "correct it (Enter keeps, Esc leaves)"],
  ["x", "the document has no such value"],
  ["s", "skip the document"],
  ["u", "take back the last action"],
  ["PgUp PgDn", "another page"],
  ["q", "end the session"],
];

function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content.filter((part) => part !== null && part !== undefined));
  return element;
}

function render({ model, el }) {
  const root = make("div", "autod-desk");
  root.tabIndex = 0;
  root.dataset.lmSuppressShortcuts = "true"; // JupyterLab's own keys: a would insert a cell
  el.append(root);
  let chosen = 0;
  let isEditing = false;
  let isWaiting = false;
  let address = "";
  let shownSha = "";

  const fields = () => model.get("shown").document?.fields ?? [];
  const places = (name) => model.get("shown").document?.places[name] ?? [];

  function send(wish) {
    if (isWaiting) return;
    isWaiting = true;
    isEditing = false;
    root.classList.add("autod-waiting");
    model.send({ step: model.get("shown").step, ...wish });
  }

  function choose(index) {
    if (!fields().length) return;
    chosen = Math.max(0, Math.min(index, fields().length - 1));
    isEditing = false;
    const here = model.get("shown").document;
    const found = places(fields()[chosen].name);
    if (found.length && !found.some((place) => place.page === here.number)) send({ do: "page", page: found[0].page });
    else draw();
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation();
    const shown = model.get("shown");
    const here = shown.document;
    const field = fields()[chosen];
    if (isEditing) {
      if (event.key === "Enter") send({ do: "correct", field: field.name, text: event.target.value });
      else if (event.key === "Escape") { isEditing = false; draw(); root.focus(); }
      else return;
      event.preventDefault();
      return;
    }
    const does = {
      Enter: () => here && send({ do: "accept" }),
      s: () => here && send({ do: "skip" }),
      u: () => shown.can_undo && send({ do: "undo" }),
      q: () => send({ do: "end" }),
      x: () => field && send({ do: "absent", field: field.name }),
      e: () => { if (field) { isEditing = true; draw(); } },
      ArrowDown: () => choose(chosen + 1),
      ArrowUp: () => choose(chosen - 1),
      PageDown: () => here && here.number < here.count && send({ do: "page", page: here.number + 1 }),
      PageUp: () => here && here.number > 1 && send({ do: "page", page: here.number - 1 }),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    if (!event.repeat || event.key.startsWith("Arrow")) does();
  }

  function row(field, index) {
    const value = make("td", field.value === null ? "autod-none" : "", field.value ?? "none");
    const line = make("tr", index === chosen ? "autod-chosen" : "", make("th", "", field.name.replaceAll("_", " ")), value);
    line.onclick = () => { choose(index); root.focus(); };
    if (index === chosen && isEditing) {
      const input = make("input");
      input.value = field.value ?? "";
      if (field.choices.length) {
        const list = make("datalist", "", ...field.choices.map((choice) => { const option = make("option"); option.value = choice; return option; }));
        list.id = "autod-choices";
        input.setAttribute("list", list.id);
        line.append(list);
      }
      value.replaceChildren(input);
      setTimeout(() => { input.focus(); input.select(); });
    }
    const notes = [];
    if (field.is_said) notes.push("labelled");
    if (field.other) notes.push(field.other);
    if (field.is_sought && !places(field.name).length) notes.push("not found on the page");
    if (notes.length) value.append(make("div", "autod-note", notes.join(" · ")));
    return line;
  }

  function sheet(here) {
    if (here.problem) return make("div", "autod-sheet autod-problem", here.problem);
    const paper = make("div", "autod-paper");
    const image = make("img");
    image.src = address;
    image.alt = `page ${here.number} of ${here.name}`;
    paper.append(image);
    here.fields.forEach((field, index) => {
      for (const place of places(field.name).filter((one) => one.page === here.number)) {
        const mark = make("div", index === chosen ? "autod-mark autod-chosen" : "autod-mark");
        mark.title = field.name;
        Object.assign(mark.style, {
          left: `${place.left * 100}%`, top: `${place.top * 100}%`,
          width: `${(place.right - place.left) * 100}%`, height: `${(place.bottom - place.top) * 100}%`,
        });
        paper.append(mark);
      }
    });
    return make("div", "autod-sheet", paper);
  }

  function draw() {
    const shown = model.get("shown");
    const here = shown.document;
    const head = make("div", "autod-head");
    if (here) {
      const page = here.count ? `page ${here.number} of ${here.count}` : "";
      head.append(make("b", "", here.name), make("span", "", `${shown.place + 1} of ${shown.documents}`), make("span", "", page));
      head.append(make("div", here.is_random ? "autod-why autod-random" : "autod-why", here.why));
    } else {
      const nothing = "Nothing waits for a person, and no confident answer is left to draw.";
      head.append(make("b", "", shown.documents ? "That was the last document." : nothing));
      head.append(make("div", "autod-why", shown.documents ? "Run this cell again for what waits now." : "Read documents first: 10_ingest."));
    }
    const message = make("p", "autod-message", shown.message || " ");
    message.setAttribute("role", "status");
    const about = make("p", "autod-about", `labels by ${shown.labeller} · ${shown.accuracy}`);
    const keys = make("div", "autod-keys", ...KEYS.flatMap(([key, what]) => [make("b", "", key), make("span", "", what)]));
    const table = make("table", "", make("tbody", "", ...(here ? here.fields.map(row) : [])));
    const side = make("div", "autod-side", head, table, message, about, keys);
    const old = root.querySelector(".autod-sheet")?.scrollTop ?? 0;
    const desk = make("div", here ? "autod-both" : "", here ? sheet(here) : null, side);
    root.replaceChildren(desk);
    root.dataset.step = shown.step;
    const paper = root.querySelector(".autod-sheet");
    const mark = root.querySelector(".autod-mark.autod-chosen");
    if (paper) paper.scrollTop = old;
    if (paper && mark) {
      const show = () => { paper.scrollTop = Math.max(0, mark.offsetTop - paper.clientHeight / 3); };
      const image = paper.querySelector("img");
      if (image.complete && image.naturalHeight) show();
      else image.onload = show;
    }
  }

  function onShown() {
    isWaiting = false;
    root.classList.remove("autod-waiting");
    const here = model.get("shown").document;
    if ((here?.sha256 ?? "") !== shownSha) {
      chosen = 0;
      shownSha = here?.sha256 ?? "";
    }
    const bytes = model.get("picture");
    URL.revokeObjectURL(address);
    address = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
    const hadFocus = root.contains(document.activeElement);
    draw();
    if (hadFocus) root.focus({ preventScroll: true });
  }

  root.addEventListener("keydown", onKey);
  model.on("change:shown", onShown);
  onShown();
  setTimeout(() => root.focus({ preventScroll: true }), 200);
  return () => { model.off("change:shown", onShown); URL.revokeObjectURL(address); };
}

export default { render };
