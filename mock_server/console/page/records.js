// Records: webhook requests of the world.

import { html } from "./lit-html/lit-html.js";

export const records = {
  id: "records",
  title: "Records",
  icon: "▤",
  main: () => html``,
};
