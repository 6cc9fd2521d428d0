// Faults & time: injected failures, delivery faults, and the world's clock.

import { html } from "./lit-html/lit-html.js";

export const faults = {
  id: "faults",
  title: "Faults & time",
  icon: "⚡",
  main: () => html``,
};
