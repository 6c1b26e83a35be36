// <lh-upload action="…" name="files">: drop files, a folder or an archive, see each one's progress. Around a plain
// <form> with <input type="file">, which is what remains without script. Files go one POST each, three at a time;
// an answer {"location": "…"} of the last one, or the attribute `done`, says where to go.

import { csrfToken, h, icon } from "../lib/dom";
import { collectFiles, type Dropped, sizeText } from "../lib/files";

const AT_ONCE = 3;

class Upload extends HTMLElement {
  private list = h("ul", { class: "uploads" });
  private total = h("p", { class: "m sm", role: "status" });
  private input: HTMLInputElement | null = null;

  connectedCallback(): void {
    this.input = this.querySelector('input[type="file"]');
    const plain = this.querySelector("form");
    if (!this.input || !plain) return;
    this.input.multiple = true;
    const choose = h("button", { type: "button", class: "btn" }, icon("upload"), "Choose files");
    const folder = h("button", { type: "button", class: "btn q" }, "or a folder");
    const area = h("div", { class: "drop" }, icon("file"), h("b", {}, this.getAttribute("label") ?? "Drop files, a folder or an archive here"), h("span", { class: "row" }, choose, folder));
    choose.addEventListener("click", () => this.open(false));
    folder.addEventListener("click", () => this.open(true));
    this.input.addEventListener("change", () => void this.send([...(this.input?.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }))));
    this.listenDrops(area);
    plain.hidden = true;
    this.append(area, this.total, this.list);
  }

  private open(folder: boolean): void {
    if (!this.input) return;
    this.input.webkitdirectory = folder;
    this.input.click();
  }

  private listenDrops(area: HTMLElement): void {
    area.addEventListener("dragover", (event) => {
      event.preventDefault();
      area.classList.add("over");
    });
    area.addEventListener("dragleave", () => area.classList.remove("over"));
    area.addEventListener("drop", (event) => {
      event.preventDefault();
      area.classList.remove("over");
      if (event.dataTransfer) void collectFiles(event.dataTransfer).then((files) => this.send(files));
    });
  }

  private async send(files: Dropped[]): Promise<void> {
    const waiting = [...files];
    let [done, failed] = [0, 0];
    let location: string | null = null;
    const say = (): void => this.total.replaceChildren(`${done} of ${files.length} sent${failed ? `, ${failed} failed` : ""}`);
    say();
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        try {
          location = (await this.sendOne(next)) ?? location;
          done++;
        } catch {
          failed++;
        }
        say();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    this.dispatchEvent(new CustomEvent("lh-uploaded", { bubbles: true, detail: { done, failed, location } }));
    const goal = location ?? this.getAttribute("done");
    if (!failed && goal) window.location.assign(goal);
  }

  /** XMLHttpRequest, because fetch does not tell how much has been sent. */
  private sendOne({ file, path }: Dropped): Promise<string | null> {
    const bar = h("i");
    const state = h("span", { class: "m" }, sizeText(file.size));
    const row = h("li", {}, icon("file"), h("span", { class: "cut", title: path }, path), h("span", { class: "bar run" }, bar), state);
    if (this.list.childElementCount < 200) this.list.append(row);
    const body = new FormData(this.querySelector("form") ?? undefined);
    body.delete(this.input?.name ?? "files");
    body.append(this.input?.name || "files", file, file.name);
    body.append("path", path);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", this.getAttribute("action") ?? this.querySelector("form")?.action ?? "");
      request.setRequestHeader("X-CSRFToken", csrfToken());
      request.setRequestHeader("Accept", "application/json");
      request.upload.onprogress = (event) => {
        bar.style.width = `${(100 * event.loaded) / Math.max(1, event.total)}%`;
      };
      const fail = (why: string): void => {
        state.className = "bad";
        state.textContent = why;
        reject(new Error(why));
      };
      request.onerror = () => fail("not sent");
      request.onload = () => {
        if (request.status >= 400) return fail(answerOf(request.responseText)?.["detail"] ?? `refused (${request.status})`);
        bar.style.width = "100%";
        state.className = "ok";
        state.textContent = "sent";
        resolve(answerOf(request.responseText)?.["location"] ?? null);
      };
      request.send(body);
    });
  }
}

function answerOf(text: string): Record<string, string> | null {
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch {
    return null;
  }
}

customElements.define("lh-upload", Upload);
