// Watches a running search: progress as it happens, and each part of the result as soon as it is made. Server-sent
// events bring the news; where they fail, or the network was away, the page asks.

const job = document.querySelector("[data-job]");
const dock = document.querySelector("[data-dock]");
const what = dock.querySelector("[data-what]");
const left = dock.querySelector("[data-left]");
const bar = dock.querySelector("progress");
const said = job.querySelector("[data-said]");
const title = document.title;
const stages = [...dock.querySelectorAll("[data-stage]")];

const ASK_EVERY = 2000; // milliseconds between questions where events do not come
const SILENCE = 15000; // milliseconds without an event after which the page asks
const ENDED = ["done", "failed", "cancelled"];
const READY = { videos: "A video was read.", summary: "The summary is ready.", music: "The music is ready.", image: "The cover is ready.", video: "The video is ready." };

let source;
let asking;
let heard = Date.now();
let ended = false;
let stage = stages.findIndex((item) => item.hasAttribute("aria-current"));
let leftAt; // when the search is likely to be done

// Showing

function reach(progress) {
  if (!(progress > bar.value)) return;
  bar.value = progress;
  bar.textContent = `${Math.floor(progress * 100)} %`;
  document.title = `${Math.floor(progress * 100)} % · ${title}`;
}

function enter(name) {
  const now = stages.findIndex((item) => item.dataset.stage === name);
  if (now < stage || now < 0) return;
  if (now > stage) said.textContent = stages[now].dataset.says;
  stage = now;
  stages.forEach((item, number) => {
    item.classList.toggle("past-stage", number < now);
    item.classList.toggle("now", number === now);
    if (number === now) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  });
}

function count() {
  const seconds = Math.round((leftAt - Date.now()) / 1000);
  left.textContent = !(seconds > 0) ? "" : seconds < 90 ? `about ${seconds} s` : `about ${Math.round(seconds / 60)} min`;
}

function show(news) {
  heard = Date.now();
  job.dispatchEvent(new CustomEvent("news", { detail: news }));
  const old = news.progress < bar.value && !ENDED.includes(news.state);
  reach(news.progress);
  if (!old && news.stage) enter(news.stage);
  if (!old && news.what) what.textContent = news.what;
  if (!old && news.left !== undefined) {
    leftAt = Date.now() + news.left * 1000;
    count();
  }
  if (news.made) refresh(old ? "" : READY[news.made]);
  if (ENDED.includes(news.state)) end(news.state);
}

// Parts of the result

let refreshing = Promise.resolve();
let waiting = 0;

function refresh(announcement = "") {
  waiting += 1;
  refreshing = refreshing.then(async () => {
    waiting -= 1;
    if (waiting) return; // another look follows, and sees more
    const page = await fetchPage();
    if (!page) return;
    mergeAll(page);
    if (announcement) said.textContent = announcement;
  }).catch(() => {}); // the network is away: the next question brings it
  return refreshing;
}

async function fetchPage() {
  const answer = await fetch(job.dataset.job, { headers: { Accept: "text/html" } });
  if (answer.status === 404) location.reload(); // it was deleted meanwhile
  return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
}

function mergeAll(page) {
  const fresh = page.querySelector("[data-job]");
  if (!fresh) return;
  replaceWhereChanged(job.querySelector("[data-key=actions]"), fresh.querySelector("[data-key=actions]"));
  merge(job.querySelector("#result"), fresh.querySelector("#result"));
  const notes = fresh.querySelector(".job-head .hint");
  const own = job.querySelector(".job-head .hint");
  if (notes.querySelector("a") && !own.querySelector("a")) own.append(" · ", document.adoptNode(notes.querySelector("a")));
}

// What is there stays as it is: a video goes on playing, the focus is kept.
function merge(own, fresh) {
  const before = new Map([...own.children].map((child) => [child.dataset.key, child]));
  let place = null;
  for (const child of [...fresh.children]) {
    const there = before.get(child.dataset.key);
    before.delete(child.dataset.key);
    place = there ? replaceWhereChanged(there, child) : insert(own, place, child);
  }
  for (const gone of before.values()) gone.remove();
}

function insert(own, after, child) {
  const arrived = document.adoptNode(child);
  if (after) after.after(arrived);
  else own.prepend(arrived);
  return announce(arrived);
}

function replaceWhereChanged(there, child) {
  const list = there.querySelector("[data-merge]");
  if (list) {
    merge(list, child.querySelector("[data-merge]"));
    return there;
  }
  const playing = [...there.querySelectorAll("audio, video")].some((media) => !media.paused);
  if (there.dataset.made === child.dataset.made || playing) return there;
  const arrived = document.adoptNode(child);
  there.replaceWith(arrived);
  return announce(arrived);
}

function announce(arrived) {
  arrived.classList.add("arrived");
  arrived.dispatchEvent(new Event("arrived", { bubbles: true }));
  return arrived;
}

// Listening and asking

function listen() {
  if (ended) return;
  source?.close();
  source = new EventSource(job.dataset.events);
  source.onmessage = (event) => show(JSON.parse(event.data));
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) askOften();
  };
}

async function ask() {
  try {
    const answer = await fetch(job.dataset.job, { headers: { Accept: "application/json" } });
    if (answer.status === 404) {
      location.reload();
      return;
    }
    const now = await answer.json();
    show(now);
    if (!ended) refresh();
  } catch {
    what.textContent = "Not connected. The search goes on without you.";
    left.textContent = "";
    leftAt = 0;
  }
}

function askOften() {
  asking ??= setInterval(ask, ASK_EVERY);
}

function stopAsking() {
  clearInterval(asking);
  asking = undefined;
}

function comeBack() {
  if (ended) return;
  stopAsking();
  ask();
  listen();
}

async function end(state) {
  if (ended) return;
  ended = true;
  source?.close();
  stopAsking();
  document.title = title;
  if (state !== "done") {
    location.reload();
    return;
  }
  await refresh();
  while (!job.querySelector("#result > [data-key=made-by]")) {
    await new Promise((resolve) => { setTimeout(resolve, ASK_EVERY); });
    await refresh();
  }
  for (const button of job.querySelectorAll("[data-later]")) button.disabled = false;
  if (dock.contains(document.activeElement)) job.querySelector("h1").focus();
  dock.remove();
  job.dataset.state = state;
  said.textContent = "Done. Everything is ready.";
}

listen();
setInterval(count, 1000);
setInterval(() => {
  if (!ended && !asking && Date.now() - heard > SILENCE) ask();
}, SILENCE);
window.addEventListener("online", comeBack);
window.addEventListener("offline", () => {
  source?.close(); // what is still under way would overwrite the line below
  what.textContent = "Offline. The search goes on without you.";
  left.textContent = "";
  leftAt = 0;
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) comeBack();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && Date.now() - heard > ASK_EVERY) ask();
});
