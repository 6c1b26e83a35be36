// The reference of the API follows the theme of the site: Swagger UI is dark below a class.
(function () {
  var system = window.matchMedia("(prefers-color-scheme: dark)");
  function follow() {
    var chosen = document.documentElement.dataset.theme;
    document.documentElement.classList.toggle("dark-mode", chosen ? chosen === "dark" : system.matches);
  }
  system.addEventListener("change", follow);
  follow();
})();
