// Writes the icons that pages and elements draw: octicons (MIT) plus our own marks for the kinds of change.
// icons/octicons.json serves the {% icon %} template tag, icons/elements.json is the part the elements bundle.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const data = createRequire(import.meta.url)("@primer/octicons/build/data.json");

const names = `alert apps archive arrow-both arrow-down arrow-left arrow-right arrow-switch arrow-up beaker bell blocked book bookmark
broadcast calendar check check-circle check-circle-fill checklist chevron-down chevron-left chevron-right chevron-up circle clock code
code-review codescan columns comment comment-discussion copy cpu cross-reference dash database device-desktop diff discussion-outdated dot-fill
download duplicate eye eye-closed file file-added file-code file-directory file-directory-fill file-diff file-media file-removed file-zip
filter flag gear git-branch git-commit git-compare git-merge git-merge-queue git-pull-request git-pull-request-closed
git-pull-request-draft globe graph graph-bar-horizontal graph-bar-vertical grabber hash heart history home hourglass image inbox info
issue-closed issue-opened issue-reopened iterations kebab-horizontal key law light-bulb link link-external list-unordered location lock log
mail megaphone mention meter milestone moon mute no-entry note number organization package paintbrush paper-airplane pause pencil people person person-add pin
pivot-column play plus plus-circle project pulse question quote redo reply repo repo-forked repo-push rocket rows screen-full search server
shield shield-check shield-lock sidebar-collapse sidebar-expand sign-in sign-out single-select skip sliders smiley sort-asc sort-desc sparkle split-view
square stack star star-fill stop stopwatch sun sync tab table tag tasklist terminal three-bars trash triangle-down trophy undo unlink unlock
unmute unread upload verified versions webhook workflow x x-circle x-circle-fill zap zoom-in zoom-out`.split(/\s+/);

const drawn = (body) =>
  `<g fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">${body}</g>`;

const own = {
  added: drawn('<rect x="2" y="2" width="12" height="12" rx="2"/><path d="M8 5v6M5 8h6"/>'),
  removed: drawn('<rect x="2" y="2" width="12" height="12" rx="2" stroke-dasharray="2.4 1.8"/><path d="M5 8h6"/>'),
  moved: drawn('<rect x="1.8" y="1.8" width="7" height="7" rx="1.5" stroke-dasharray="1.6 1.6"/><path d="M6.5 6.5l7 7M9.3 13.5h4.200V9.3"/>'),
  relabelled: drawn('<path d="M2 5.300h10.500M10 2.600l2.7 2.700L10 8M14 10.700H3.500M6 8l-2.7 2.700L6 13.4"/>'),
  changed: drawn('<path d="M2 5h6M12 5h2M2 11h2M8 11h6"/><circle cx="10" cy="5" r="1.8"/><circle cx="6" cy="11" r="1.8"/>'),
  suggestion: drawn('<path d="M2 3.500A1.5 1.5 0 013.5 2h9A1.5 1.5 0 0114 3.500v6a1.5 1.5 0 01-1.5 1.500H7l-3.5 3V11A1.5 1.5 0 012 9.500z"/>'),
  overlay: drawn('<rect x="2" y="2" width="9" height="9" rx="1.5"/><rect x="5" y="5" width="9" height="9" rx="1.5"/>'),
  "side-by-side": drawn('<rect x="2" y="3" width="12" height="10" rx="1"/><path d="M8 3v10"/>'),
  swipe: drawn('<rect x="2" y="3" width="12" height="10" rx="1"/><path d="M8 1.500v13M5.8 6.500L4.3 8l1.5 1.500M10.2 6.500L11.7 8l-1.5 1.5"/>'),
  blink: drawn('<circle cx="8" cy="8" r="6" stroke-dasharray="3 2.3"/>'),
  schema: drawn('<rect x="2" y="2" width="5" height="4" rx="1"/><rect x="9" y="10" width="5" height="4" rx="1"/><path d="M4.5 6v6H9M4.5 8"/>'),
  polygon: drawn('<path d="M8 2l6 4.5-2.3 7H4.300L2 6.500z"/>'),
  box: drawn('<rect x="2.5" y="3.5" width="11" height="9"/>'),
  fit: drawn('<path d="M2 5.500V2h3.500M10.5 2H14v3.500M14 10.500V14h-3.500M5.5 14H2v-3.5"/>'),
  pointer: drawn('<path d="M4 2l8.5 6.5-4 .6L6.3 13z"/>'),
};

const bundled = `added removed moved relabelled changed suggestion overlay side-by-side swipe blink polygon box fit pointer check x undo device-desktop moon redo trash
zoom-in zoom-out sun stack search pencil play pause alert sync check-circle copy upload file plus git-pull-request question chevron-right eye eye-closed comment`.split(/\s+/);

const sets = { ...own };
for (const name of names) {
  if (!data[name]) throw new Error(`octicons has no ${name}`);
  sets[name] = data[name].heights["16"].path.replaceAll("></path>", "/>");
}
const sorted = Object.fromEntries(Object.entries(sets).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync("icons/octicons.json", JSON.stringify(sorted, null, 1) + "\n");
writeFileSync("icons/elements.json", JSON.stringify(Object.fromEntries(bundled.map((n) => [n, sorted[n]])), null, 1) + "\n");
console.log(`${Object.keys(sorted).length} icons, ${bundled.length} of them bundled`);
