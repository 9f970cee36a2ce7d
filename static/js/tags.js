// The tag field: chips, with suggestions in the manner of the ARIA Authoring Practices' "editable combobox with list
// autocomplete". Without this script the field is a plain text field, with tags separated by commas.

const MOST = 10; // tags in a search
const SHOWN = 6; // suggestions at once
const KEPT = 20; // recent tags
const RECENT = "recentTags";

const field = document.querySelector("[data-tagfield]");
const form = field.closest("form");
const input = field.querySelector("input");
const list = field.querySelector(".chips");
const menu = field.querySelector("[role=listbox]");
const said = field.querySelector("[data-said]");
const pattern = field.querySelector("template").content;
const known = [...field.querySelectorAll("datalist option")].map((option) => option.value);

const same = (one, other) => one.toLowerCase() === other.toLowerCase();
const split = (text) => text.split(/[,;#\n]/).map((part) => part.replace(/\s+/g, "")).filter(Boolean);

// Recent tags

function recent() {
  try {
    const stored = JSON.parse(localStorage.getItem(RECENT));
    return Array.isArray(stored) ? stored.filter((tag) => typeof tag === "string") : [];
  } catch {
    return [];
  }
}

function remember(tags) {
  const others = recent().filter((old) => !tags.some((tag) => same(tag, old)));
  try {
    localStorage.setItem(RECENT, JSON.stringify([...tags, ...others].slice(0, KEPT)));
  } catch { /* storage is switched off: there are no recent tags then */ }
}

// Chips

const chips = () => [...list.querySelectorAll(".chip")];
const chosen = () => chips().map((chip) => chip.querySelector("input").value);

function add(tag) {
  if (chosen().some((other) => same(other, tag))) return;
  if (chosen().length >= MOST) {
    said.textContent = `There are ${MOST} tags already, which is the most.`;
    return;
  }
  const chip = pattern.cloneNode(true).querySelector("li");
  chip.querySelector("bdi").textContent = `#${tag}`;
  chip.querySelector("button").setAttribute("aria-label", `Remove #${tag}`);
  const value = document.createElement("input");
  Object.assign(value, { type: "hidden", name: "tags", value: tag });
  chip.append(value);
  list.append(chip);
  said.textContent = `Added #${tag}`;
  changed();
}

function remove(chip) {
  const all = chips();
  const next = all[all.indexOf(chip) + 1]?.querySelector("button") ?? input;
  said.textContent = `Removed ${chip.querySelector("bdi").textContent}`;
  chip.remove();
  next.focus();
  changed();
}

function changed() {
  list.hidden = !chips().length;
  input.placeholder = chips().length ? "" : usual;
  const help = document.querySelector("[data-tap-help]");
  if (!help) return;
  help.dataset.usual ??= help.textContent;
  help.textContent = chips().length ? help.dataset.adding : help.dataset.usual;
}

function take() {
  split(input.value).forEach(add);
  input.value = "";
  close();
}

// Suggestions

let active = -1;
const options = () => [...menu.children];

function matches(typed) {
  const wanted = typed.trim().replace(/^#/, "").replace(/\s+/g, "").toLowerCase();
  const old = recent();
  const all = [...old, ...known.filter((tag) => !old.some((other) => same(other, tag)))];
  const fits = (tag) => (wanted.length > 1 ? tag.toLowerCase().includes(wanted) : tag.toLowerCase().startsWith(wanted));
  return all
    .filter((tag) => fits(tag) && !chosen().some((other) => same(other, tag)))
    .sort((one, other) => other.toLowerCase().startsWith(wanted) - one.toLowerCase().startsWith(wanted))
    .slice(0, SHOWN)
    .map((tag) => ({ tag, note: old.some((other) => same(other, tag)) ? "recent" : "" }));
}

function open() {
  const found = matches(input.value);
  active = -1;
  input.removeAttribute("aria-activedescendant");
  menu.replaceChildren(...found.map(({ tag, note }, number) => {
    const option = document.createElement("li");
    Object.assign(option, { id: `suggestion-${number}`, role: "option" });
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.dataset.tag = tag;
    const name = document.createElement("bdi");
    name.textContent = `#${tag}`;
    const small = document.createElement("small");
    small.textContent = note;
    option.append(name, small);
    return option;
  }));
  menu.hidden = !found.length;
  input.setAttribute("aria-expanded", String(found.length > 0));
}

function close() {
  menu.hidden = true;
  active = -1;
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

function move(by) {
  if (menu.hidden) open();
  const all = options();
  if (!all.length) return;
  active = active < 0 && by < 0 ? all.length - 1 : (active + by + all.length) % all.length;
  all.forEach((option, number) => option.setAttribute("aria-selected", String(number === active)));
  all[active].scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", all[active].id);
}

function pick(option) {
  add(option.dataset.tag);
  input.value = "";
  close();
  input.focus();
}

// Keys and clicks

function typed(event) {
  if (event.isComposing) return;
  const empty = input.value === "";
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Enter" && active >= 0) {
    event.preventDefault();
    pick(options()[active]);
  } else if (event.key === "Enter" && !empty) {
    event.preventDefault();
    take();
  } else if (event.key === "," || event.key === ";") {
    event.preventDefault();
    take();
  } else if (event.key === "Escape" && !menu.hidden) {
    event.preventDefault();
    close();
  } else if (event.key === "Backspace" && empty && chips().length) {
    remove(chips().at(-1));
  } else if (event.key === "ArrowLeft" && input.selectionEnd === 0 && chips().length) {
    chips().at(-1).querySelector("button").focus();
  }
}

function typedOnChip(event) {
  const chip = event.target.closest(".chip");
  if (!chip) return;
  const buttons = chips().map((one) => one.querySelector("button"));
  const here = buttons.indexOf(event.target);
  if (event.key === "ArrowLeft") buttons[Math.max(here - 1, 0)].focus();
  else if (event.key === "ArrowRight") (buttons[here + 1] ?? input).focus();
  else if (event.key === "Backspace" || event.key === "Delete") remove(chip);
  else return;
  event.preventDefault();
}

function pasted(event) {
  const text = event.clipboardData.getData("text");
  if (!/[,;#\n]/.test(text)) return;
  event.preventDefault();
  split(input.value + text).forEach(add);
  input.value = "";
  close();
}

const usual = input.placeholder;
input.removeAttribute("list");
input.removeAttribute("name");
input.setAttribute("role", "combobox");
input.setAttribute("aria-autocomplete", "list");
input.setAttribute("aria-controls", menu.id);
input.setAttribute("aria-expanded", "false");
document.getElementById("tags-help").textContent = "Up to ten. Enter or a comma ends each.";
const wrong = input.getAttribute("aria-invalid");
if (!wrong) take(); // what is wrong stays as it was typed, to be mended
said.textContent = "";

input.addEventListener("keydown", typed);
input.addEventListener("input", open);
input.addEventListener("click", open);
input.addEventListener("paste", pasted);
list.addEventListener("keydown", typedOnChip);
list.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) remove(button.closest(".chip"));
});
menu.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
menu.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  if (option) pick(option);
});
field.addEventListener("click", (event) => {
  if (event.target === field) input.focus();
});
field.addEventListener("focusout", (event) => {
  if (!field.contains(event.relatedTarget)) close();
});
form.addEventListener("submit", () => {
  take();
  remember(chosen());
}, { capture: true });
document.querySelector("[data-trends]")?.addEventListener("submit", (event) => {
  const tag = event.submitter?.value;
  if (!chips().length || !tag) {
    if (tag) remember([tag]);
    return;
  }
  event.preventDefault();
  add(tag);
});
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) input.value = wrong ? input.value : "";
});
