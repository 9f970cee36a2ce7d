// The visitor's own videos: a list of what was chosen, dropping, and sending with a progress bar.

const drop = document.querySelector("[data-drop]");
const form = drop.closest("form");
const input = drop.querySelector("input[type=file]");
const list = drop.querySelector(".files");
const pattern = drop.querySelector("template").content;
const sending = drop.querySelector("[data-sending]");
const bar = sending.querySelector("progress");
const sent = sending.querySelector("[data-sent]");
const button = form.querySelector("button.primary");
const most = Number(drop.dataset.most);
const largest = Number(drop.dataset.largest); // megabytes

const megabytes = (size) => `${(size / 1024 ** 2).toFixed(1)} MB`;

function choose(files) {
  const box = new DataTransfer();
  for (const file of files) box.items.add(file);
  input.files = box.files;
  show();
}

function show() {
  list.replaceChildren(...[...input.files].map((file, number) => {
    const item = pattern.cloneNode(true).querySelector("li");
    item.querySelector("bdi").textContent = file.name;
    item.querySelector("span").textContent = megabytes(file.size);
    const remove = item.querySelector("button");
    remove.setAttribute("aria-label", `Remove ${file.name}`);
    remove.addEventListener("click", () => {
      choose([...input.files].filter((_, other) => other !== number));
      input.focus();
    });
    return item;
  }));
  list.hidden = !input.files.length;
  complain("videos", problem());
}

function problem() {
  const files = [...input.files];
  if (files.length > most) return `Choose at most ${most} videos; there are ${files.length}.`;
  const large = files.find((file) => file.size > largest * 1024 ** 2);
  return large ? `“${large.name}” has ${megabytes(large.size)}; at most ${largest} MB go.` : "";
}

function complain(name, text) {
  const field = form.querySelector(`#${name}`);
  const id = `${name}-problem`;
  form.querySelector(`#${id}`)?.remove();
  const others = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((one) => one && one !== id);
  field.setAttribute("aria-describedby", [...(text ? [id] : []), ...others].join(" "));
  if (!text) {
    field.removeAttribute("aria-invalid");
    return;
  }
  field.setAttribute("aria-invalid", "true");
  const line = document.createElement("p");
  Object.assign(line, { id, className: "complaint", textContent: text });
  (name === "tags" ? form.querySelector(".ask-line") : name === "videos" ? drop : field).after(line);
}

function refuse(answer) {
  const detail = answer?.detail ?? "The videos could not be sent. Is the studio still there?";
  const field = ["tags", "seconds", "seed", "language"].find((name) => name === answer?.field) ?? "videos";
  complain(field, detail);
  form.querySelector(`#${field}`).focus();
}

function send() {
  const request = new XMLHttpRequest();
  const stop = () => request.abort();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("Prefer", "respond-async");
  request.responseType = "json";
  request.upload.onprogress = ({ loaded, total }) => {
    bar.value = loaded / total;
    sent.textContent = loaded < total ? `${megabytes(loaded)} of ${megabytes(total)} sent` : "Checking your videos";
  };
  request.onload = () => {
    const place = request.status === 202 && request.getResponseHeader("Location");
    if (place) location.assign(place);
    else refuse(request.response);
  };
  request.onerror = () => refuse();
  request.onloadend = () => {
    sending.hidden = true;
    button.disabled = false;
    sending.querySelector("button").removeEventListener("click", stop);
  };
  sending.querySelector("button").addEventListener("click", stop);
  bar.value = 0;
  sending.hidden = false;
  button.disabled = true;
  request.send(new FormData(form));
}

input.addEventListener("change", show);
drop.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  choose([...input.files, ...event.dataTransfer.files]);
});
form.addEventListener("submit", (event) => {
  if (!input.files.length) return;
  event.preventDefault();
  if (problem()) input.focus();
  else send();
});
show();
