// A table of which only the visible rows are in the page, so that any number of rows is quick.

import { html, nothing } from "./lit-html/lit-html.js";
import { repeat } from "./lit-html/directives/repeat.js";
import { addressOf, changed, shell } from "./shell.js";

const MARGIN = 10; // rows beyond what is visible

export class Table {
  items = [];
  held = []; // rows of a live list that is read
  selected = "";
  wanted = ""; // the key of the row to reveal when it is visible
  top = 0; // how far it is scrolled, in pixels
  height = innerHeight;
  rowHeight = 28;
  box = null;
  visible = false;

  /** `label` is for screen readers; a column is {title, width (classes), cell(item)}; `key` names an item in addresses. */
  constructor(panel, label, columns, key = (one) => one.id) {
    Object.assign(this, { panel, label, columns, key });
  }

  /** The rows of a live list to show, and those that wait: a list that is read does not move. */
  hold(rows, paused = false) {
    if (!paused && this.top < this.rowHeight) this.held = rows;
    const at = rows.indexOf(this.held[0]);
    return [this.held, rows.slice(0, at < 0 ? rows.length : at)];
  }

  /** The button that shows what waits. */
  pill(count, resume = () => {}) {
    const show = () => {
      resume();
      this.scrollTo(0);
    };
    return html`<div class="over">${count ? html`<button class="pill" @click=${show}>↑ ${count} new</button>` : nothing}</div>`;
  }

  view(items, selected = "", head = null) {
    this.items = items;
    if (selected !== this.selected) [this.selected, this.wanted] = [selected, selected || this.wanted];
    const first = Math.max(0, Math.floor(this.top / this.rowHeight) - MARGIN);
    const last = Math.min(items.length, Math.ceil((this.top + this.height) / this.rowHeight) + MARGIN);
    const title = (one) => html`<th scope="col" class=${one.width}>${head?.(one) ?? one.title}</th>`;
    return html`<div class="table" .table=${this} @scroll=${this.scrolled} tabindex="-1">
      <table aria-label=${this.label} aria-rowcount=${items.length + 1}>
        <thead><tr aria-rowindex="1">${this.columns.map(title)}</tr></thead>
        <tbody>
          ${this.gap(first)}
          ${repeat(items.slice(first, last), this.key, (item, at) => this.row(item, first + at))}
          ${this.gap(items.length - last)}
        </tbody>
      </table></div>`;
  }

  gap(rows) {
    return rows > 0 ? html`<tr class="gap" aria-hidden="true" .style=${`height:${rows * this.rowHeight}px`}></tr>` : nothing;
  }

  row(item, at) {
    const [first, ...rest] = this.columns;
    const address = this.address(item);
    const is = this.is(item, this.selected);
    return html`<tr aria-rowindex=${at + 2} aria-selected=${is} @pointerdown=${(event) => this.pressed(event, address)}>
      <td class=${first.width}><a href=${address} aria-current=${is ? "true" : nothing}>${first.cell(item)}</a></td>
      ${rest.map((one) => html`<td class=${one.width}>${one.cell(item)}</td>`)}</tr>`;
  }

  address = (item) => addressOf(this.panel, this.key(item), shell.route.query);

  is = (item, key) => String(this.key(item)) === key;

  /** Open the row that was pressed, even if rows have moved under the pointer when it is released. */
  pressed({ button, clientX, clientY, pointerId }, address) {
    if (button !== 0) return;
    const released = (event) => {
      const isClick = event.pointerId === pointerId && Math.hypot(event.clientX - clientX, event.clientY - clientY) < 5;
      if (isClick && !event.ctrlKey && !event.metaKey && !getSelection().toString()) location.hash = address;
    };
    addEventListener("pointerup", released, { once: true });
  }

  scrolled = () => {
    this.top = this.box.scrollTop;
    changed();
  };

  /** It is in the page, perhaps for the first time since another panel or, on a phone, details were shown. */
  drawn(box) {
    const visible = box.clientHeight > 0;
    if (visible && !(this.box === box && this.visible)) box.scrollTop = this.top;
    Object.assign(this, { box, visible });
    const declared = Number.parseInt(getComputedStyle(box).getPropertyValue("--row"), 10); // more on phones
    const rowHeight = box.querySelector("tbody tr:not(.gap)")?.offsetHeight || declared;
    const height = box.clientHeight || this.height;
    if (rowHeight !== this.rowHeight || height !== this.height) changed();
    Object.assign(this, { rowHeight, height });
    if (visible && this.wanted) this.reveal(this.items.findIndex((one) => this.is(one, this.wanted)));
  }

  reveal(at) {
    if (at < 0) return;
    this.wanted = "";
    const start = at * this.rowHeight;
    const room = this.height - 2 * this.rowHeight; // below the head
    this.scrollTo(Math.min(start, Math.max(this.top, start - room)));
  }

  /** The address of the row after (1) or before (-1) the selected one; undefined at the ends. */
  step(by) {
    const found = this.items.findIndex((one) => this.is(one, this.selected));
    const item = this.items[found < 0 ? 0 : found + by];
    return item && this.address(item);
  }

  scrollTo(top) {
    if (top === this.top) return;
    this.top = top;
    if (this.box) this.box.scrollTop = top;
    changed();
  }
}
