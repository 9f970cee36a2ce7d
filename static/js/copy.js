// Buttons that copy a text of the page, or hand on its address.

const SHOWN = 2000; // milliseconds

function textOf(element) {
  const items = [...element.querySelectorAll("li, h3, p")];
  const separator = element.matches("ul") ? " " : "\n";
  return items.length ? items.map((item) => item.textContent.trim()).join(separator) : element.textContent.trim();
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea"); // pages that do not come over https have no clipboard
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("not copied");
  return undefined;
}

function tell(button, text) {
  const label = button.querySelector("[data-label]");
  label.dataset.usual ??= label.textContent;
  label.textContent = text;
  label.setAttribute("role", "status");
  clearTimeout(button.timer);
  button.timer = setTimeout(() => { label.textContent = label.dataset.usual; }, SHOWN);
}

async function press(button) {
  const address = new URL(location.pathname, location.href).href;
  const touch = matchMedia("(pointer: coarse)").matches;
  try {
    if ("share" in button.dataset && touch && navigator.share) {
      await navigator.share({ title: document.title, url: address });
      return;
    }
    await copy("share" in button.dataset ? address : textOf(document.querySelector(button.dataset.copy)));
    tell(button, "Copied");
  } catch (error) {
    if (error.name !== "AbortError") tell(button, "Not copied");
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-share]");
  if (button) press(button);
});
