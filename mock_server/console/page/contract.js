// Contract: what the documents state, and what they leave open.

import { html } from "./lit-html/lit-html.js";

export const contract = {
  id: "contract",
  title: "Contract",
  icon: "§",
  main: () => html``,
};
