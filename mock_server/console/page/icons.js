// The signs of the panels: fonts do not have them all, and draw some in colors of their own.

import { html } from "./lit-html/lit-html.js";

const PATHS = {
  requests: "M1.5 5.5h12l-3-3M14.5 10.5h-12l3 3",
  records: "M2 3h12v10H2zM2 6.5h12M6 6.5V13",
  deliveries: "M1.5 7.5l13-5.5-4.5 12.5-3-5.5zM7 9l3-3",
  faults: "M9 1.5L3.5 9H8l-1 5.5L12.5 7H8z",
  worlds: "M8 1.5a6.5 6.5 0 100 13 6.5 6.5 0 100-13M1.5 8h13M8 1.5c-4 4-4 9 0 13M8 1.5c4 4 4 9 0 13",
  contract: "M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3M5.5 9l2 2 3-4",
};

export function icon(name) {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}
