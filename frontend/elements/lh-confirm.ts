// <lh-confirm phrase="owner/name">: turns the plain form inside into a dialog whose button wakes when the phrase is typed.

class ConfirmByTyping extends HTMLElement {
  connectedCallback(): void {
    const details = this.querySelector("details");
    const form = this.querySelector("form");
    const summary = this.querySelector("summary");
    if (!details || !form || !summary) return;
    const dialog = document.createElement("dialog");
    form.classList.remove("pop-inline");
    dialog.append(form);
    const cancel = document.createElement("button");
    cancel.type = "button";
    cancel.className = "btn";
    cancel.textContent = "Cancel";
    cancel.addEventListener("click", () => dialog.close());
    form.querySelector("footer")?.prepend(cancel);
    this.append(dialog);
    summary.addEventListener("click", (event) => {
      event.preventDefault();
      dialog.showModal();
      form.querySelector<HTMLInputElement>('input[name="confirm"]')?.focus();
    });
    this.guard(form);
  }

  private guard(form: HTMLFormElement): void {
    const input = form.querySelector<HTMLInputElement>('input[name="confirm"]');
    const submit = form.querySelector<HTMLButtonElement>("footer button:not([type=button])");
    if (!input || !submit) return;
    const check = (): void => {
      submit.disabled = input.value !== this.getAttribute("phrase");
    };
    input.addEventListener("input", check);
    check();
  }
}

customElements.define("lh-confirm", ConfirmByTyping);
