// Deliveries: what was sent to receivers, and what came of it.

import { html } from "./lit-html/lit-html.js";

export const deliveries = {
  id: "deliveries",
  title: "Deliveries",
  icon: "➤",
  main: () => html``,
};
