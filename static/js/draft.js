// The editor of a draft: the line that is edited is shown on the video as its captions will be, rows can be moved, and
// the length is added up. Without this script the form works as it stands.

const editor = document.querySelector("[data-editor]");
const rows = editor.querySelector(".scene-rows");
const video = editor.querySelector("video");
const caption = editor.querySelector("[data-try]");
const said = editor.querySelector("[data-said]");
const total = editor.querySelector("[data-total]");
const form = editor.querySelector("[data-scenes]");
const PAGE = { pop: 3, karaoke: 7, typewriter: 9 }; // words that stand together
const WORD = 330; // milliseconds that a word takes
const IN = 0.4; // seconds of a scene after which it has come in

let turning;

const style = () => form.elements.caption_style.value;

function show(text) {
  clearInterval(turning);
  const words = text.trim().split(/\s+/).filter(Boolean);
  caption.hidden = !words.length;
  caption.dataset.style = style();
  let at = 0;
  const turn = () => {
    const size = PAGE[style()];
    const first = Math.floor(at / size) * size;
    caption.replaceChildren(
      ...words.slice(first, first + size).flatMap((word, number) => {
        const piece = document.createElement("span");
        piece.textContent = word;
        piece.className = first + number === at ? "said-now" : first + number < at ? "said" : "";
        return [piece, " "];
      }),
    );
    at = (at + 1) % Math.max(1, words.length);
  };
  turn();
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) turning = setInterval(turn, WORD);
}

function count() {
  let seconds = 0;
  rows.querySelectorAll(".scene-row").forEach((row, number) => {
    row.querySelector("[name=place]").value = number + 1;
    if (row.querySelector("[name=line]").value.trim()) seconds += Number(row.querySelector("[name=seconds]").value.replace(",", ".")) || 2;
  });
  total.textContent = `About ${seconds.toFixed(1)} seconds${seconds > 60 ? ": shorten it to 60" : ""}`;
}

function preview(row) {
  if (!video) return;
  video.pause();
  video.controls = false;
  if (row.dataset.start) video.currentTime = Number(row.dataset.start) + IN;
  said.textContent = "A preview of the captions; render again to hear and see it.";
  show(row.querySelector("[name=line]").value);
}

rows.addEventListener("focusin", (event) => {
  if (event.target.name === "line") preview(event.target.closest(".scene-row"));
});
rows.addEventListener("input", (event) => {
  if (event.target.name === "line") preview(event.target.closest(".scene-row"));
  if (event.target.name !== "place") count();
});
rows.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const row = button.closest(".scene-row");
  const up = button.hasAttribute("data-up");
  const other = up ? row.previousElementSibling : row.nextElementSibling;
  if (!other) return;
  if (up) other.before(row);
  else other.after(row);
  button.focus();
  count();
});
form.addEventListener("change", (event) => {
  if (event.target.name === "caption_style" && video && !caption.hidden) caption.dataset.style = style();
  else if (event.target.name === "caption_style") preview(rows.querySelector(".scene-row"));
});
rows.addEventListener("focusout", () => {
  setTimeout(() => {
    if (rows.contains(document.activeElement) || !video) return;
    clearInterval(turning);
    caption.hidden = true;
    video.controls = true;
    said.textContent = "As it was rendered.";
  }, 200);
});
count();
