// A list of rows, each of which leads to its details. A list that is scrolled stays where it is when rows come: browsers see to that.

import { html, nothing } from "./lit-html/lit-html.js";
import { repeat } from "./lit-html/directives/repeat.js";
import { addressOf, changed, shell } from "./shell.js";
import { number } from "./widgets.js";

const SHOWN = 500; // rows at first; more would make the page slow

export class Table {
  selected = "";
  isWanted = false; // whether the selected row is still to be scrolled to
  shown = SHOWN;

  /** `label` is for screen readers; a column is {title, kind (a class), cell(item)}; `key` names an item in addresses. */
  constructor(panel, label, columns, key = (item) => item.id) {
    Object.assign(this, { panel, label, columns, key });
  }

  view(items, selected = "") {
    if (selected !== this.selected) [this.selected, this.isWanted] = [selected, true];
    const at = items.findIndex((item) => this.is(item));
    if (this.isWanted && at >= 0) queueMicrotask(this.reveal); // it is drawn by then
    this.shown = Math.max(this.shown, at + 1);
    const rest = items.length - this.shown;
    return html`<div class="table" tabindex="-1">
      <table aria-label=${this.label}>
        <thead><tr>${this.columns.map((column) => html`<th scope="col" class=${column.kind}>${column.title}</th>`)}</tr></thead>
        <tbody>${repeat(items.slice(0, this.shown), this.key, (item) => this.row(item))}</tbody>
      </table>
      ${rest > 0 ? html`<button class="more" @click=${this.more}>Show ${number(rest)} more</button>` : nothing}</div>`;
  }

  row(item) {
    const [first, ...rest] = this.columns;
    const address = this.address(item);
    const is = this.is(item);
    return html`<tr aria-selected=${is} @pointerdown=${(event) => this.pressed(event, address)}>
      <td class=${first.kind}><a href=${address} aria-current=${is ? "true" : nothing}>${first.cell(item)}</a></td>
      ${rest.map((column) => html`<td class=${column.kind}>${column.cell(item)}</td>`)}</tr>`;
  }

  address = (item) => addressOf(this.panel, this.key(item), shell.route.query);

  is = (item) => String(this.key(item)) === this.selected;

  more = () => {
    this.shown += SHOWN;
    changed();
  };

  reveal = () => {
    this.isWanted = false;
    document.querySelector('.table [aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  };

  /** Open the row that was pressed, even if rows have moved under the pointer when it is released. */
  pressed({ button, clientX, clientY, pointerId }, address) {
    if (button !== 0) return;
    const released = (event) => {
      const isClick = event.pointerId === pointerId && Math.hypot(event.clientX - clientX, event.clientY - clientY) < 5;
      if (isClick && !event.ctrlKey && !event.metaKey && !getSelection().toString()) location.hash = address;
    };
    addEventListener("pointerup", released, { once: true });
  }
}
