// Light, dark, or as the system says. `public/theme.js` applies the choice before the first paint.

export type Theme = "system" | "light" | "dark";
const KEY = "laybook-theme";

const system = matchMedia("(prefers-color-scheme: dark)");

class Choice {
  theme: Theme = $state(read());
  #systemDark = $state(system.matches);

  constructor() {
    system.addEventListener("change", () => {
      this.#systemDark = system.matches;
      this.#apply();
    });
  }

  /** What is seen. */
  get dark(): boolean {
    return this.theme === "system" ? this.#systemDark : this.theme === "dark";
  }

  next(): void {
    const order: Theme[] = ["system", "light", "dark"];
    this.set(order[(order.indexOf(this.theme) + 1) % order.length]!);
  }

  set(theme: Theme): void {
    this.theme = theme;
    this.#apply();
    try {
      if (theme === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  }

  #apply(): void {
    document.documentElement.dataset.theme = this.dark ? "dark" : "light";
  }
}

function read(): Theme {
  try {
    const chosen = localStorage.getItem(KEY);
    return chosen === "light" || chosen === "dark" ? chosen : "system";
  } catch {
    return "system";
  }
}

export const choice = new Choice();
