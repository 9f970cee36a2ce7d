// The music while it is being made: its parts are fetched as they come, and played one right after the other.

const ASK_EVERY = 1000; // milliseconds
const AHEAD = 0.1; // seconds from a part's being ready to its sound, where the one before has ended

const job = document.querySelector("[data-parts]");
const parts = []; // the sound files, in order
const planned = []; // of those that play or will: when, by the context's clock, and for how long
let asking = false;
let asked = 0;
let over = false;
let context;
let decoding = Promise.resolve();

const button = () => job.querySelector("[data-preview]");

async function ask() {
  if (over || asking || Date.now() - asked < ASK_EVERY) return;
  asking = true;
  try {
    for (;;) {
      asked = Date.now();
      const answer = await fetch(job.dataset.parts.replace(/0\.wav$/, `${parts.length}.wav`));
      if (over || answer.status !== 200) return;
      parts.push(await answer.arrayBuffer());
      if (button()) button().hidden = false;
      if (context) decoding = decoding.then(plan);
    }
  } catch {
    // The network is away: the next news asks again.
  } finally {
    asking = false;
  }
}

async function plan() {
  while (planned.length < parts.length) {
    const sound = await context.decodeAudioData(parts[planned.length].slice(0));
    if (over) return;
    const last = planned.at(-1);
    const at = Math.max(context.currentTime + AHEAD, last ? last.at + last.seconds : 0);
    const source = new AudioBufferSourceNode(context, { buffer: sound });
    source.connect(context.destination);
    source.start(at);
    planned.push({ at, seconds: sound.duration });
  }
}

// How much of the piece has been heard, in seconds.
function position() {
  return planned.reduce((sum, { at, seconds }) => sum + Math.min(Math.max(context.currentTime - at, 0), seconds), 0);
}

function label(playing) {
  button().querySelector("[data-label]").textContent = playing ? "Pause" : "Play what is there";
  button().dataset.playing = playing;
}

async function toggle() {
  if (!context) {
    context = new AudioContext();
    decoding = decoding.then(plan);
    label(true);
    return;
  }
  const playing = context.state === "running";
  await (playing ? context.suspend() : context.resume());
  label(!playing);
}

// The whole piece is there: it goes on where the parts were.
function handOver(audio) {
  over = true;
  if (!context) return;
  const heard = position();
  const playing = context.state === "running" && heard > 0;
  context.close();
  if (!playing) return;
  audio.currentTime = heard;
  audio.play().catch(() => {}); // the browser wants another tap
}

job.addEventListener("news", ({ detail }) => {
  if (detail.stage === "music") ask();
});
job.addEventListener("click", (event) => {
  if (event.target.closest("[data-preview]")) toggle();
});
document.addEventListener("arrived", (event) => {
  if (event.target.dataset.key !== "music") return;
  const audio = event.target.querySelector("audio");
  if (audio) handOver(audio);
});
