// A player for the music: its waveform, drawn from the samples, is where one clicks to seek.

const BAR = 3; // pixels
const GAP = 2; // pixels
const STEP = 1; // seconds that an arrow key moves

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

async function samplesOf(address) {
  const bytes = await (await fetch(address)).arrayBuffer();
  const decoder = new OfflineAudioContext(1, 1, 32000);
  return (await decoder.decodeAudioData(bytes)).getChannelData(0);
}

function loudness(samples, count) {
  const size = Math.max(1, Math.floor(samples.length / count));
  const bars = Array.from({ length: count }, (_, bar) => {
    let sum = 0;
    for (let i = bar * size; i < (bar + 1) * size; i += 1) sum += samples[i] ** 2;
    return Math.sqrt(sum / size);
  });
  const loudest = Math.max(...bars) || 1;
  return bars.map((bar) => bar / loudest);
}

function draw(canvas, samples, share) {
  const { width, height } = canvas.getBoundingClientRect();
  if (!width) return;
  const dense = window.devicePixelRatio || 1;
  canvas.width = width * dense;
  canvas.height = height * dense;
  const pen = canvas.getContext("2d");
  pen.scale(dense, dense);
  const count = Math.floor(width / (BAR + GAP));
  const played = getComputedStyle(canvas).color;
  const ahead = getComputedStyle(canvas.parentElement).color;
  loudness(samples, count).forEach((level, bar) => {
    const tall = Math.max(BAR, level * (height - 4));
    pen.fillStyle = bar / count < share ? played : ahead;
    pen.beginPath();
    pen.roundRect(bar * (BAR + GAP), (height - tall) / 2, BAR, tall, BAR / 2);
    pen.fill();
  });
}

async function enhance(player) {
  if (player.dataset.ready) return;
  player.dataset.ready = "yes";
  const audio = player.querySelector("audio");
  const deck = player.querySelector(".deck");
  const button = player.querySelector(".play");
  const wave = player.querySelector(".wave");
  const canvas = player.querySelector("canvas");
  const time = player.querySelector("[data-time]");

  let samples;
  try {
    samples = await samplesOf(audio.src);
  } catch {
    return; // the browser's own player stays
  }
  const length = () => audio.duration || Number(wave.getAttribute("aria-valuemax"));

  function show() {
    draw(canvas, samples, audio.currentTime / length());
    time.textContent = `${clock(audio.currentTime)} / ${clock(length())}`;
    wave.setAttribute("aria-valuenow", Math.floor(audio.currentTime));
    wave.setAttribute("aria-valuetext", `${clock(audio.currentTime)} of ${clock(length())}`);
  }

  function follow() {
    show();
    if (!audio.paused) requestAnimationFrame(follow);
  }

  function seek(seconds) {
    audio.currentTime = Math.min(Math.max(seconds, 0), length() - 0.05);
  }

  const seekTo = (event) => {
    const { left, width } = wave.getBoundingClientRect();
    seek(((event.clientX - left) / width) * length());
  };

  const keys = {
    ArrowRight: () => seek(audio.currentTime + STEP),
    ArrowUp: () => seek(audio.currentTime + STEP),
    ArrowLeft: () => seek(audio.currentTime - STEP),
    ArrowDown: () => seek(audio.currentTime - STEP),
    PageUp: () => seek(audio.currentTime + 5 * STEP),
    PageDown: () => seek(audio.currentTime - 5 * STEP),
    Home: () => seek(0),
    End: () => seek(length()),
    " ": () => button.click(),
  };

  audio.controls = false;
  audio.hidden = true;
  deck.hidden = false;
  button.addEventListener("click", () => (audio.paused ? audio.play() : audio.pause()));
  for (const happening of ["play", "pause"]) {
    audio.addEventListener(happening, () => {
      deck.classList.toggle("playing", !audio.paused);
      button.setAttribute("aria-label", audio.paused ? "Play the music" : "Pause the music");
      follow();
    });
  }
  audio.addEventListener("seeked", show);
  audio.addEventListener("loadedmetadata", show);
  wave.addEventListener("pointerdown", (event) => {
    seekTo(event);
    wave.setPointerCapture(event.pointerId);
    wave.onpointermove = seekTo;
  });
  wave.addEventListener("lostpointercapture", () => { wave.onpointermove = null; });
  wave.addEventListener("keydown", (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  new ResizeObserver(show).observe(canvas);
  document.addEventListener("themechange", show);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
}

function enhanceAll(root) {
  root.querySelectorAll("[data-player]").forEach(enhance);
}

enhanceAll(document);
document.addEventListener("arrived", (event) => enhanceAll(event.target));
