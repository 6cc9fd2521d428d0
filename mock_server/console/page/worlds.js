// Worlds: worlds, and snapshots of the current one.

import { html } from "./lit-html/lit-html.js";

export const worlds = {
  id: "worlds",
  title: "Worlds",
  icon: "◫",
  main: () => html``,
};
