// What cannot wait for the page's own script. Classic and blocking on purpose: it runs before the first paint.
(function () {
  // The stored theme: no flash, no inline script.
  try {
    var theme = localStorage.getItem("labelhub.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch (error) {
    // Storage is off: the system's theme stands.
  }

  // Keys pressed while the page or the element they are meant for is still being fetched: lib/keys.ts takes them.
  var kept = [];
  window.labelhubKeys = kept;
  document.addEventListener("keydown", function (event) {
    var waits = document.readyState === "loading" || document.querySelector("[aria-busy=true][data-keys]");
    if (waits && kept.length < 50) kept.push(event);
  });
})();
