// Runs before anything is painted, so that a chosen theme does not flash.
try {
  const chosen = localStorage.getItem("laybook-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Without storage the system's preference is followed.
}
