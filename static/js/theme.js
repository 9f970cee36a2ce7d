// Light, dark, or as the system has it. Loaded before the page is drawn, so that it never flashes in the wrong colours.
(() => {
  const choices = ["system", "light", "dark"];
  const root = document.documentElement;

  function stored() {
    try {
      return choices.includes(localStorage.theme) ? localStorage.theme : "system";
    } catch {
      return "system"; // storage is switched off
    }
  }

  function apply(choice) {
    root.dataset.choice = choice;
    if (choice === "system") delete root.dataset.theme;
    else root.dataset.theme = choice;
    document.dispatchEvent(new Event("themechange"));
  }

  function name(button, choice) {
    button.querySelector("[data-theme-name]").textContent = `Colours: ${choice}`;
  }

  root.classList.add("js"); // what needs scripts is shown from the first
  apply(stored());
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-switch]");
    name(button, stored());
    button.addEventListener("click", () => {
      const next = choices[(choices.indexOf(root.dataset.choice) + 1) % choices.length];
      try {
        localStorage.theme = next;
      } catch { /* the choice holds for this page */ }
      apply(next);
      name(button, next);
    });
  });
})();
