// Finds searches by tag while one types.

const form = document.querySelector("[data-find]");
const field = form?.querySelector("input");
const items = [...document.querySelectorAll(".history > li")];
const said = document.querySelector("[data-found]");
const nothing = document.querySelector("[data-nothing]");

function find() {
  const wanted = field.value.trim().toLowerCase().replace(/^#/, "");
  for (const item of items) item.hidden = !item.dataset.tags.includes(wanted);
  const shown = items.filter((item) => !item.hidden).length;
  nothing.hidden = shown > 0;
  said.textContent = wanted ? `${shown} of ${items.length} searches` : "";
}

if (items.length) {
  field.addEventListener("input", find);
  if (!new URLSearchParams(location.search).get("tag")) {
    form.querySelector("button").hidden = true;
    form.addEventListener("submit", (event) => event.preventDefault());
  }
}
