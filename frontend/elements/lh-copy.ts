// <lh-copy value="…"> or <lh-copy for="id">: its button copies the text and says so.

import { icon } from "../lib/dom";

class CopyButton extends HTMLElement {
  connectedCallback(): void {
    this.addEventListener("click", () => void this.copy());
  }

  private get text(): string {
    const source = this.getAttribute("for");
    return this.getAttribute("value") ?? (source ? (document.getElementById(source)?.textContent ?? "") : "");
  }

  private async copy(): Promise<void> {
    await navigator.clipboard.writeText(this.text);
    const shown = this.querySelector("svg");
    if (!shown) return;
    const done = icon("check");
    done.classList.add("ok");
    shown.replaceWith(done);
    this.dispatchEvent(new CustomEvent("lh-copied", { bubbles: true }));
    setTimeout(() => done.replaceWith(shown), 1500);
  }
}

customElements.define("lh-copy", CopyButton);
