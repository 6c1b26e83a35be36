// <lh-filter>: an input narrows the .item elements beside it to those whose text contains the words.

class FilterList extends HTMLElement {
  connectedCallback(): void {
    const input = this.querySelector("input");
    input?.addEventListener("input", () => this.narrow(input.value));
    this.closest("details")?.addEventListener("toggle", () => input?.focus());
  }

  private narrow(typed: string): void {
    const wanted = typed.trim().toLocaleLowerCase();
    for (const item of this.querySelectorAll<HTMLElement>(".item")) {
      item.hidden = !item.textContent?.toLocaleLowerCase().includes(wanted);
      item.style.display = item.hidden ? "none" : "";
    }
  }
}

customElements.define("lh-filter", FilterList);
