// Light, dark, or as the system says. `public/theme.js` applies the choice before the first paint.

export type Theme = "system" | "light" | "dark";
const KEY = "laybook-theme";

class Choice {
  theme: Theme = $state(read());

  next(): void {
    const order: Theme[] = ["system", "light", "dark"];
    this.set(order[(order.indexOf(this.theme) + 1) % order.length]!);
  }

  set(theme: Theme): void {
    this.theme = theme;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      if (theme === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  }
}

function read(): Theme {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

export const choice = new Choice();
