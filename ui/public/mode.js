// Sets the mode before the first paint, so that a dark page never flashes white. A file and not an inline script: the
// content security policy allows no inline code.
(() => {
  let mode = null;
  try {
    mode = localStorage.getItem("muster.mode");
  } catch {
    // Storage may be off; the system's preference holds then.
  }
  if (mode !== "light" && mode !== "dark") mode = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = mode;
})();
