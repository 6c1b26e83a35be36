// Sets the stored theme before the first paint. Classic and blocking on purpose: no flash, no inline script.
(function () {
  try {
    var theme = localStorage.getItem("labelhub.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch (error) {
    // Storage is off: the system's theme stands.
  }
})();
