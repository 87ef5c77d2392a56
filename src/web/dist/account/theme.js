// Runs before anything is painted, so that no other theme flashes. `src/lib/theme.svelte.ts` goes on from here.
let chosen = null;
try {
  chosen = localStorage.getItem("laybook-theme");
} catch {
  // Without storage the system's preference is followed.
}
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : dark ? "dark" : "light";
