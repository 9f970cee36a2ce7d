// Links to a moment of a clip: the page's own player goes there and plays, where it has one.

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-moment]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const { origin, pathname, hash } = new URL(link.href);
  const player = [...document.querySelectorAll("video")].find((video) => video.currentSrc.split("#")[0] === origin + pathname);
  if (!player) return;
  event.preventDefault();
  player.scrollIntoView({ block: "center" });
  player.focus({ preventScroll: true });
  player.currentTime = Number(hash.slice("#t=".length));
  player.play().catch(() => {}); // where it may not begin by itself, it stands at the moment
});
