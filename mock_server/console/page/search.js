// Searching, alike in all panels: words anywhere, and terms such as record:7. The address has what is searched for.

import { html, nothing } from "./lit-html/lit-html.js";
import { live } from "./lit-html/directives/live.js";
import { param, setParams } from "./shell.js";
import { empty, number } from "./widgets.js";

const quoted = (text) => (/\s/.test(text) ? `"${text}"` : text);

/** What is searched for, written as the user would: {name: value} as terms. */
export const searchFor = (terms) => ({ search: Object.entries(terms).map(([name, value]) => `${name}:${quoted(value)}`).join(" ") });

export class Search {
  /**
   * `terms` by name: {fits(item, value) and, of a choice, label and values}; `textOf` returns what words are looked for in,
   * in lower case. A panel whose terms the mock applies has neither `fits` nor `textOf`.
   */
  constructor(terms, textOf, hint) {
    Object.assign(this, { terms, textOf, hint });
  }

  /** The parts of what was typed: {part, name, value}; without a name a part is a word. A URL is a word, too. */
  parts() {
    return (param("search").match(/(?:"[^"]*"?|[^\s"])+/g) ?? []).map((part) => {
      const [, name, value] = /^(\w+):(?!\/\/)(.*)$/s.exec(part) ?? [part, "", part];
      return { part, name: name.toLowerCase(), value: value.replaceAll('"', "") };
    });
  }

  /** Those of the items that fit. A term without a value is still being typed; one that is unknown is looked for as a word. */
  fitting(items) {
    const parts = this.parts().map(({ part, name, value }) => ({ name, value: value.toLowerCase(), part: part.toLowerCase() }));
    const fits = (item) => ({ part, name, value }) =>
      name in this.terms ? value === "" || this.terms[name].fits(item, value) : this.textOf(item).includes(name ? part : value);
    return items.filter((item) => parts.every(fits(item)));
  }

  /** The bar above a list: the field, how many were found, a choice for each term that has values, and more buttons. */
  bar(count, total, ...more) {
    const type = (event) => setParams({ search: event.target.value });
    const parts = this.parts();
    const wrong = parts.map((part) => this.wrong(part)).filter(Boolean);
    return html`<div class="tools">
        <input type="search" aria-label="Search" placeholder="Search, or ${this.hint}" .value=${live(param("search"))} @input=${type}>
        <span class="count" role="status">${count === total ? number(total) : `${number(count)} of ${number(total)}`}</span>
        ${Object.entries(this.terms).map(([name, term]) => (term.label ? this.choice(name, term, parts) : nothing))} ${more}</div>
      ${wrong.map((text) => html`<p class="hint" role="alert">${text}</p>`)}`;
  }

  choice(name, { label, values }, parts) {
    const chosen = parts.find((part) => part.name === name)?.value ?? "";
    const choose = ({ target }) => {
      // What is typed now, not when the bar was drawn: a choice may come first.
      const others = this.parts().filter((part) => part.name !== name).map(({ part }) => part);
      setParams({ search: [...others, ...(target.value ? [`${name}:${target.value}`] : [])].join(" ") });
    };
    const options = [["", label], ...values().map((value) => [value, value])];
    return html`<select aria-label=${label} class=${chosen ? "chosen" : ""} .value=${live(chosen)} @change=${choose}>${optionsOf(options, chosen)}</select>`;
  }

  /** What is wrong with a part; nothing if it is understood. */
  wrong({ name, value }) {
    if (!name) return "";
    const names = Object.keys(this.terms).map((name) => `${name}:`).join(", ");
    const term = this.terms[name];
    if (!term) return `Unknown: “${name}:”. Known are ${names}; any other text is searched for as it is.`;
    const values = term.values?.() ?? [];
    const isKnown = !values.length || values.some((choice) => choice.toLowerCase().startsWith(value.toLowerCase()));
    return isKnown ? "" : `“${name}:” is one of ${values.join(", ")}.`;
  }

  nothing(total) {
    const all = html`<button @click=${() => setParams({ search: "" })}>Show all</button>`;
    return empty("Nothing found", html`<p>None of ${number(total)} matches the search.</p>${all}`);
  }
}

/** Options of a choice: strings, or pairs of value and label. */
export function optionsOf(options, chosen) {
  const pairs = options.map((option) => (Array.isArray(option) ? option : [option, option]));
  return pairs.map(([value, label]) => html`<option value=${value} ?selected=${value === chosen}>${label}</option>`);
}
